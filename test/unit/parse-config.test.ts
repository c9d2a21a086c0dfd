import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { loadConfig, parseConfig } from '../../config/load-config.ts';
import { printConfigSchema } from '../../config/schema.ts';
import { isWaybillError } from '../../core/failures.ts';
import { MiB } from '../../core/limits.ts';

const FILE = '/etc/waybill/waybill.yaml';
const parse = (text: string) => parseConfig(text, { file: FILE, env: {} });

/** The message of the failure that `text` must cause. */
function refuse(text: string): string {
  try {
    parse(text);
  } catch (error) {
    assert.ok(isWaybillError(error), String(error));
    assert.equal(error.type, 'invalid_config');
    return error.message;
  }
  assert.fail('the configuration was accepted');
}

const STORES = `stores:
  a: { directory: /srv/a }
  b: { endpoint: 'https://s3.example.com' }
`;
const PIPELINE = `${STORES}pipelines:
  copy:
    source: { store: a, bucket: inbox, prefix: in/ }
    target: { store: b, bucket: archive }
`;

test('every default is applied, so that no reader has to know them', () => {
  const config = parse(`${PIPELINE}    schedule: { cron: '0 3 * * 1-5' }\n`);
  assert.deepEqual(config.pipelines.get('copy'), {
    name: 'copy',
    source: { store: 'a', bucket: 'inbox', prefix: 'in/' },
    target: { store: 'b', bucket: 'archive', prefix: '', encryption: null },
    filters: { include: [], exclude: [], minSizeBytes: null, maxSizeBytes: null, minAgeMs: null, maxAgeMs: null },
    overwrite: 'refuse',
    tags: true,
    listTarget: true,
    concurrency: 4,
    schedule: { cron: '0 3 * * 1-5', timezone: 'UTC', catchupWindowMs: 86_400_000, jitterMs: 0, paused: false },
  });
  const prices = { currency: 'USD', perThousandWrites: 0.005, perThousandReads: 0.0004, perGibOut: 0.09 };
  assert.deepEqual(config.stores.get('a'), {
    kind: 'directory',
    name: 'a',
    directory: '/srv/a',
    region: 'us-east-1',
    conditionalWrites: true,
    etags: 'md5',
    prices,
    fsync: true,
  });
  assert.deepEqual(config.stores.get('b'), {
    kind: 'provider',
    name: 'b',
    endpoint: 'https://s3.example.com',
    addressing: 'path',
    credentials: 'default-chain',
    region: 'us-east-1',
    conditionalWrites: true,
    etags: 'md5',
    prices,
    unsignedPayload: false,
    signedChunks: true,
    traffic: 'proxied',
    unsafeDirectWrites: false,
    egress: null,
    tls: { caFile: null, minVersion: 'TLSv1.2' },
    allowPrivateAddresses: false,
    encryption: null,
    kmsEndpoint: null,
  });
  assert.deepEqual(config.temporal, { address: '127.0.0.1:7233', namespace: 'default', taskQueue: 'waybill' });
  assert.deepEqual([config.gateway, config.worker, config.api, config.database], [null, null, null, null]);
  assert.deepEqual(config.pipelineRetentionMs, new Map());
});

test('a section that is there gets its own defaults', () => {
  const config = parse(`${STORES}gateway: {}\nworker: { gateway_endpoint: 'http://127.0.0.1:9000/' }\napi: {}\n`);
  assert.deepEqual(config.gateway, {
    listen: { host: '127.0.0.1', port: 9000 },
    adminListen: null,
    adminToken: null,
    adminTls: false,
    allowInsecureHttp: false,
    tls: null,
    region: 'us-east-1',
    keys: [],
    uploadBytesMax: 64 * MiB,
    requestLimitMs: 900_000,
    limits: {
      connectionsMax: 4096,
      connectionsPerAddressMax: 1024,
      memoryBytes: 256 * MiB,
      idleLimitMs: 60_000,
    },
    accessLog: 'all',
    explain: false,
    trustedProxies: [],
    sessionSecret: null,
  });
  assert.deepEqual(config.worker, {
    gatewayEndpoint: 'http://127.0.0.1:9000',
    keys: {},
    sessions: false,
    processes: Math.min(availableParallelism(), 64),
    metricsListen: null,
    heartbeatTimeoutMs: 60_000,
    requestLimitMs: 30_000,
    memoryBytes: 64 * MiB,
    sweepIntervalMs: 60_000,
    retentionMs: 30 * 86_400_000,
  });
  assert.deepEqual(config.api, { listen: { host: '127.0.0.1', port: 8080 }, tokens: [] });
});

test('the retention of a pipeline is no part of its spec, which runs keep: the file has the present one', () => {
  const { pipelines, pipelineRetentionMs } = parse(`${PIPELINE}    retention: 3d\n`);
  assert.deepEqual(pipelineRetentionMs, new Map([['copy', 3 * 86_400_000]]));
  assert.deepEqual(pipelines, parse(PIPELINE).pipelines);
});

test('a proxy is CONNECT or SOCKS5, and its credentials are references', () => {
  const parseEgress = (text: string) => {
    const store = parse(`stores: { a: { endpoint: 'https://h', ${text} } }`).stores.get('a');
    return store?.kind === 'provider' ? store.egress : undefined;
  };
  assert.deepEqual(parseEgress("egress: 'socks5h://[::1]:1080'"), {
    kind: 'socks5',
    secure: false,
    host: '::1',
    port: 1080,
    credentials: null,
  });
  assert.deepEqual(
    parseEgress("egress: 'https://Proxy:8443/', egress_credentials: { username: 'env:U', password: 'file:p' }"),
    {
      kind: 'connect',
      secure: true,
      host: 'proxy',
      port: 8443,
      credentials: { username: 'env:U', password: 'file:/etc/waybill/p' },
    },
  );
});

test('an Amazon endpoint is addressed by virtual host, and TEMPORAL_ADDRESS is the default address', () => {
  const text =
    "stores: { a: { endpoint: 'https://s3.eu-west-1.amazonaws.com' }, b: { endpoint: 'https://notamazonaws.com' } }";
  const config = parseConfig(text, { file: FILE, env: { TEMPORAL_ADDRESS: 'temporal:7233' } });
  const addressing = [...config.stores.values()].map((store) => store.kind === 'provider' && store.addressing);
  assert.deepEqual(addressing, ['virtual', 'path']);
  assert.equal(config.temporal.address, 'temporal:7233');
});

test('relative paths start at the directory of the file', () => {
  const config = parse(
    "stores: { a: { directory: data } }\ndatabase: 'file:secrets/url'\ngateway: { tls: { cert_file: a.crt, key_file: /b.key } }",
  );
  const store = config.stores.get('a');
  assert.equal(store?.kind === 'directory' && store.directory, '/etc/waybill/data');
  assert.equal(config.database, 'file:/etc/waybill/secrets/url');
  assert.deepEqual(config.gateway?.tls, { certFile: '/etc/waybill/a.crt', keyFile: '/b.key' });
});

/** What is written, and what the message must say of it: its place, its path, and what was expected. */
const REFUSALS: readonly (readonly [claim: string, text: string, message: RegExp])[] = [
  ['an unknown field', `${STORES}zip: 1\n`, /waybill\.yaml:4:1: zip: no such field; expected one of stores, /],
  [
    'a nested unknown field',
    'stores:\n  a:\n    directory: /x\n    colour: 1',
    /:4:5: stores\.a\.colour: no such field/,
  ],
  ['a missing section', 'pipelines: {}', /:1:1: stores: this field is missing/],
  ['an empty file', '', /:1:1: expected the sections/],
  ['a list instead of a map', '- a', /:1:1: expected the sections/],
  [
    'a wrong type',
    'stores:\n  a: { directory: /x, fsync: "no" }',
    /:2:30: stores\.a\.fsync: expected true or false: false for a scratch/,
  ],
  ['a bad store name', 'stores: { A_b: { directory: /x } }', /:1:11: stores\.A_b: this name cannot be used/],
  ['neither endpoint nor directory', 'stores: { a: {} }', /stores\.a: expected either endpoint or directory/],
  [
    'both endpoint and directory',
    "stores: { a: { directory: /x, endpoint: 'http://h' } }",
    /expected either endpoint or/,
  ],
  ['an endpoint with a path', "stores: { a: { endpoint: 'https://h/p' } }", /stores\.a\.endpoint: expected the URL/],
  [
    'a bucket with a capital',
    PIPELINE.replace('archive', 'Archive'),
    /:7:33: pipelines\.copy\.target\.bucket: expected a b/,
  ],
  ['a bucket that is an IP address', PIPELINE.replace('archive', '192.168.1.1'), /not an IP address/],
  [
    'an unknown store',
    PIPELINE.replace('store: b', 'store: c'),
    /pipelines\.copy\.target\.store: expected the name of a .*: a, b/,
  ],
  [
    'a size that is none',
    `${PIPELINE}    min_size: 5 apples\n`,
    /:8:15: pipelines\.copy\.min_size: expected .* as 5MiB, 1GB/,
  ],
  [
    'a duration that is none',
    `${PIPELINE}    max_age: 5 weeks\n`,
    /pipelines\.copy\.max_age: expected .* 30s, 5m, 1h, 1d/,
  ],
  ['a negative duration', `${PIPELINE}    max_age: -5\n`, /pipelines\.copy\.max_age: expected/],
  [
    'sizes the wrong way round',
    `${PIPELINE}    min_size: 2\n    max_size: 1\n`,
    /max_size: expected max_size to be at least/,
  ],
  [
    'ages the wrong way round',
    `${PIPELINE}    min_age: 2h\n    max_age: 1h\n`,
    /max_age: expected max_age to be at least/,
  ],
  [
    'a bad glob',
    `${PIPELINE}    exclude: ['ok', '[z']\n`,
    /:8:21: pipelines\.copy\.exclude\[1\]: expected a glob: the pattern/,
  ],
  [
    'too much concurrency',
    `${PIPELINE}    concurrency: 65\n`,
    /concurrency: expected a whole number of 1 to 64: the batches in flight/,
  ],
  [
    'a bad cron',
    `${PIPELINE}    schedule: { cron: '61 * * * *' }\n`,
    /:8:23: .*cron: expected a minute of 0 to 59 in field 1/,
  ],
  [
    'a bad time zone',
    `${PIPELINE}    schedule: { cron: '* * * * *', timezone: Mars }\n`,
    /timezone: expected an IANA time zone/,
  ],
  [
    'a KMS key without KMS',
    PIPELINE.replace('bucket: archive', 'bucket: archive, encryption: { algorithm: AES256, kms_key_id: k }'),
    /kms_key_id: expected algorithm aws:kms/,
  ],
  [
    'a target inside its source',
    PIPELINE.replace('store: b, bucket: archive', 'store: a, bucket: inbox, prefix: in/out/'),
    /:7:5: pipelines\.copy\.target: expected a target outside the source/,
  ],
  ['a port that is none', `${STORES}api: { listen: '127.0.0.1:70000' }`, /api\.listen: expected HOST:PORT/],
  ['an API beyond loopback without tokens', `${STORES}api: { listen: '0.0.0.0:80' }`, /api\.listen: expected tokens/],
  [
    'networks that are none',
    `${STORES}gateway: { trusted_proxies: [10.0.0.0/33], keys: { k: { access_key_id: 'env:I', secret_access_key: 'env:S', store: a, operations: [list], source_networks: [example.com] } } }`,
    /gateway\.trusted_proxies\[0\]: expected an IPv4 or IPv6 address[\s\S]*source_networks\[0\]: expected an IPv4/,
  ],
  [
    'an end of a key without a zone, or on a day that no month has',
    `${STORES}gateway: { keys: { k: { access_key_id: 'env:I', secret_access_key: 'env:S', store: a, operations: [list], expires: '2027-02-30T00:00:00Z' } } }`,
    /gateway\.keys\.k\.expires: expected an instant with its zone/,
  ],
  [
    'a key with more than two secrets',
    `${STORES}gateway: { keys: { k: { access_key_id: 'env:I', secret_access_key: ['env:S', 'env:T', 'env:U'], store: a, operations: [list] } } }`,
    /gateway\.keys\.k\.secret_access_key: expected the workload's secret access key as a reference/,
  ],
  [
    'a worker that asks for sessions with a key that may not',
    `${STORES}gateway: { keys: { k: { access_key_id: 'env:I', secret_access_key: 'env:S', store: a, operations: [list] } } }\nworker: { gateway_endpoint: 'http://127.0.0.1:9000', keys: { a: k }, sessions: true }`,
    /worker\.keys\.a: expected a key with session: true/,
  ],
  [
    'sessions without what seals them',
    `${STORES}gateway: { keys: { k: { access_key_id: 'env:I', secret_access_key: 'env:S', store: a, operations: [list], session: true } } }`,
    /gateway\.keys\.k\.session: expected gateway\.session_secret beside it/,
  ],
  [
    'a bearer token that would pass beyond loopback in the clear',
    `${STORES}gateway: { admin_listen: '0.0.0.0:9090', admin_token: 'env:T' }`,
    /gateway\.admin_token: expected admin_tls: true, or allow_insecure_http: true/,
  ],
  [
    'a gateway beyond loopback in plain HTTP',
    `${STORES}gateway: { listen: '0.0.0.0:80' }`,
    /expected tls, or allow_insec/,
  ],
  [
    'a request limit above half of the heartbeat',
    `${STORES}worker: { gateway_endpoint: 'http://g:1', heartbeat_timeout: 60s, request_limit: 31s }`,
    /worker\.request_limit: expected at most half of heartbeat_timeout/,
  ],
  [
    'a retention shorter than that of Temporal',
    `${STORES}worker: { gateway_endpoint: 'http://g:1', retention: 71h }`,
    /worker\.retention: expected at least 3d/,
  ],
  [
    'a retention of a pipeline that is shorter than that of Temporal, also where no worker is configured',
    `${PIPELINE}    retention: 71.9h\n`,
    /:8:16: pipelines\.copy\.retention: expected at least 3d; found "71\.9h"$/,
  ],
  [
    'a retention of nothing',
    `${PIPELINE}    retention: 0\n`,
    /pipelines\.copy\.retention: expected at least 3d; found the number 0$/,
  ],
  [
    'a retention of a pipeline that is no duration',
    `${PIPELINE}    retention: forever\n`,
    /:8:16: pipelines\.copy\.retention: expected a duration, as 500ms, 30s, 5m, 1h, 1d or .*: how long /,
  ],
  [
    'a retention that reaches back further than a calendar of Postgres',
    `${PIPELINE}    retention: 99999999d\n`,
    /pipelines\.copy\.retention: expected at most 36500d; found "99999999d"$/,
  ],
  [
    'a retention of a pipeline that is not there',
    `${PIPELINE}  gone: { retention: 9d }\n`,
    /:8:3: pipelines\.gone\.source: this field is missing/,
  ],
  [
    'a pipeline whose stores have no workload key',
    `${PIPELINE}worker: { gateway_endpoint: 'http://g:1' }`,
    /expected a workload key for the store a, .*[\s\S]*for the store b,/,
  ],
  [
    'a workload key of another store',
    `${STORES}gateway: { keys: { k: { access_key_id: 'env:I', secret_access_key: 'env:S', store: a, operations: [list] } } }
worker: { gateway_endpoint: 'http://g:1', keys: { b: k } }`,
    /worker\.keys\.b: expected a key whose store is the one before the colon/,
  ],
  [
    'two workload keys with one access key id',
    `${STORES}gateway:
  keys:
    k: { access_key_id: 'env:I', secret_access_key: 'env:S', store: a, operations: [list] }
    l: { access_key_id: 'env:I', secret_access_key: 'env:T', store: b, operations: [list] }`,
    /gateway\.keys\.l\.access_key_id: expected an access key id of its own/,
  ],
  [
    'half a key pair',
    "stores: { a: { endpoint: 'http://h', credentials: { access_key_id: 'env:I' } } }",
    /or profile alone/,
  ],
  [
    'a user in the URL of a proxy',
    "stores: { a: { endpoint: 'http://h', egress: 'http://user:secret@proxy:3128' } }",
    /a\.egress: expected (?!.*secret).*that belongs in egress_credentials/,
  ],
  [
    'a proxy without a port',
    "stores: { a: { endpoint: 'http://h', egress: 'socks5://proxy' } }",
    /a\.egress: expected/,
  ],
  [
    'a proxy before a directory',
    "stores: { a: { directory: /x, egress: 'socks5://proxy:1' } }",
    /a\.egress: a directory has no such/,
  ],
  [
    'a KMS endpoint with a path',
    "stores: { a: { endpoint: 'http://h', kms_endpoint: 'http://k/x' } }",
    /kms_endpoint: exp/,
  ],
  [
    'direct traffic of a directory',
    'stores: { a: { directory: /x, traffic: direct } }',
    /a\.traffic: a directory has no such/,
  ],
  [
    'direct traffic of a store behind a proxy',
    "stores: { a: { endpoint: 'http://h', egress: 'socks5://proxy:1', traffic: direct } }",
    /a\.traffic: expected proxied beside egress/,
  ],
  [
    'unsafe writes where none are direct',
    "stores: { a: { endpoint: 'http://h', unsafe_direct_writes: true } }",
    /a\.unsafe_direct_writes: expected traffic: direct beside it/,
  ],
  [
    'another kind of traffic',
    "stores: { a: { endpoint: 'http://h', traffic: straight } }",
    /a\.traffic: expected proxied or direct/,
  ],
  [
    'a key that signs for a store whose traffic is proxied',
    `${STORES}gateway: { keys: { k: { access_key_id: 'env:I', secret_access_key: 'env:S', store: a, operations: [read], sign: true } } }`,
    /gateway\.keys\.k\.sign: expected traffic: direct at its store/,
  ],
  [
    'a worker whose key may not sign for a store of direct traffic',
    "stores: { a: { endpoint: 'http://h', traffic: direct } }\ngateway: { keys: { k: { access_key_id: 'env:I', secret_access_key: 'env:S', store: a, operations: [read] } } }\nworker: { gateway_endpoint: 'http://g', keys: { a: k } }",
    /worker\.keys\.a: expected a key with sign: true/,
  ],
  ['a key twice', 'stores: {}\nstores: {}', /:2:1: a key stands here twice/],
  [
    'a file whose aliases multiply',
    `a: &a [x, x]\nb: &b [${'*a, '.repeat(20)}]\nc: &c [${'*b, '.repeat(20)}]\nstores: [${'*c, '.repeat(20)}]`,
    /the aliases of this file multiply/,
  ],
  ['a second document', 'stores: {}\n---\nstores: {}', /a second document begins here/],
  ['a tab', 'stores:\n\ta: {}', /:2:1: a tab indents this line/],
];

for (const [claim, text, message] of REFUSALS) {
  test(`${claim} is refused with its place and what was expected`, () => {
    assert.match(refuse(text), message);
  });
}

test('a target in the same bucket of the same directory under another name still counts as inside the source', () => {
  const text = PIPELINE.replace("{ endpoint: 'https://s3.example.com' }", '{ directory: /srv/x/../a/ }').replace(
    'bucket: archive',
    'bucket: inbox, prefix: in/',
  );
  assert.match(refuse(text), /expected a target outside the source/);
});

test('everything that is wrong is told at once, in the order of the file', () => {
  const message = refuse(`${PIPELINE}    colour: red
    schedule: { cron: '* * *' }
  other: { source: { store: a, bucket: ab }, target: { store: x, bucket: abc } }
stray: 1
`);
  const [head, ...lines] = message.split('\n');
  assert.equal(head, `${FILE} is wrong in 5 places:`);
  assert.deepEqual(
    lines.map((line) =>
      line
        .slice(FILE.length + 1)
        .split(': ')
        .slice(0, 2)
        .join(' '),
    ),
    [
      '8:5 pipelines.copy.colour',
      '9:23 pipelines.copy.schedule.cron',
      '10:40 pipelines.other.source.bucket',
      '10:63 pipelines.other.target.store',
      '11:1 stray',
    ],
  );
});

const SECRET = 'hunter2hunter2hunter2';
for (const [place, text] of [
  [
    'an access key id',
    `stores: { a: { endpoint: 'http://h', credentials: { access_key_id: ${SECRET}, secret_access_key: 'env:S' } } }`,
  ],
  [
    'a secret key',
    `stores: { a: { endpoint: 'http://h', credentials: { access_key_id: 'env:I', secret_access_key: ${SECRET} } } }`,
  ],
  ['the database URL', `stores: {}\ndatabase: postgres://u:${SECRET}@h/d`],
  ['an interpolation', `stores: {}\ndatabase: \${${SECRET}}`],
  ['a token in the place of its hash', `stores: {}\napi: { tokens: [{ name: a, sha256: ${SECRET} }] }`],
  ['a user in an endpoint', `stores: { a: { endpoint: 'https://u:${SECRET}@h' } }`],
  ['an alias', `stores: {}\ndatabase: *${SECRET}`],
  ['broken YAML', `stores: {}\ndatabase: "${SECRET}`],
] as const) {
  test(`a literal secret is refused and never repeated: ${place}`, () => {
    const message = refuse(text);
    assert.match(message, /:[12]:[0-9]+: /);
    assert.ok(!message.includes(SECRET), message);
  });
}

test('a file that cannot be read is named', async () => {
  await assert.rejects(
    loadConfig('/nowhere/waybill.yaml'),
    /^WaybillError: \/nowhere\/waybill\.yaml: .*\[code=ENOENT\]$/,
  );
});

test('a key may have two secrets, an end and networks of its own', () => {
  const config = parse(
    `${STORES}gateway: { keys: { k: { access_key_id: 'env:I', secret_access_key: ['env:S', 'file:next'], store: a, operations: [list], expires: '2027-01-31T01:00:00+01:00', source_networks: [10.0.0.0/8, '::1'] } } }`,
  );
  const [key] = config.gateway?.keys ?? [];
  assert.deepEqual(key?.secretAccessKeys, ['env:S', 'file:/etc/waybill/next']);
  assert.equal(key.expiresAt?.toISOString(), '2027-01-31T00:00:00.000Z');
  assert.deepEqual(key.sourceNetworks, ['10.0.0.0/8', '::1']);
});

for (const example of ['waybill.yaml', 'directories.yaml']) {
  test(`the example ${example} is accepted`, async () => {
    const config = await loadConfig(new URL(`../../examples/${example}`, import.meta.url).pathname);
    assert.equal(config.pipelines.size, 1);
    assert.ok(config.gateway !== null && config.worker !== null && config.api !== null && config.database !== null);
  });
}

test('the published schema is the one that the code checks by', async () => {
  const published = await readFile(new URL('../../config/waybill.schema.json', import.meta.url), 'utf8');
  assert.equal(published, printConfigSchema(), 'run: node --import tsx config/write-schema.ts');
});
