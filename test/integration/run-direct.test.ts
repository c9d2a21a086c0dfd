/**
 * Runs whose traffic is direct: the gateway signs, the bytes go from the worker to the stores. Gateway, stores, ledger and the worker's way
 * to the stores are the real ones; proxies see what the worker sends to the gateway and to each store; one clock, which the test sets,
 * is everybody's.
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Config, GatewayConfig, ProviderStore, WorkerConfig, WorkloadKey } from '../../config/config.ts';
import { MiB } from '../../core/limits.ts';
import { putDemoObjects, type DemoObject } from '../../dev/demo-input.ts';
import { toTargetFingerprint } from '../../manifest/target-fingerprint.ts';
import type { Credentials } from '../../sigv4/types.ts';
import { createS3Store } from '../../stores/s3/s3-store.ts';
import { createMemoryStore } from '../../stores/memory/create-memory-store.ts';
import { refused } from '../../stores/rules/refusals.ts';
import type { PutRequest, Store } from '../../stores/store.ts';
import { openStores, type OpenedStores } from '../../worker/open-stores.ts';
import { driveRun, type Driven } from '../support/drive-run.ts';
import { buildSpec, createLedgerFixture, type LedgerFixture } from '../support/ledger-fixtures.ts';
import { listKeys, listSmallObjects, readBytes } from '../support/run-objects.ts';
import { createGate, startFaultProxy, type FaultProxy, type ProxiedRequest } from '../support/start-fault-proxy.ts';
import { PROVIDER_CREDENTIALS } from '../support/start-fake-provider.ts';
import { providerStore, startGateway, toCallerCredentials, type StartedGateway } from '../support/start-gateway.ts';
import { startStore, type StartedStore } from '../support/start-store.ts';

const SESSION_SECRET = 'a-session-secret-of-the-tests-own-0123456789';
const MINUTE_MS = 60_000;
/** The target's provider gave its keys out by STS: a token is part of every request. */
const STS_CREDENTIALS: Credentials = { ...PROVIDER_CREDENTIALS, sessionToken: 'sts-token-of-the-target' };
const LARGE_BYTES = 20 * MiB + 5;
const OBJECTS: readonly DemoObject[] = [
  ...listSmallObjects('in/', 60),
  { key: 'in/x/../dots', sizeBytes: 10, headers: { contentType: 'text/plain', metadata: {} } },
  { key: 'in/Größe +%/ä', sizeBytes: 10, headers: { contentType: 'text/plain', metadata: { name: 'Größe' } } },
  { key: 'in/empty', sizeBytes: 0, headers: { contentType: 'text/plain', metadata: {} } },
  // More than are in flight at once, and large enough to be proved by the MD5 that is told.
  ...Array.from({ length: 40 }, (_, index) => ({
    key: `in/medium-${String(index)}`,
    sizeBytes: 40_000 + index,
    headers: { contentType: 'text/plain', metadata: {} },
  })),
  { key: 'in/large', sizeBytes: LARGE_BYTES, headers: { contentType: 'text/plain', metadata: {} } },
  { key: 'in/tagged', sizeBytes: 10, headers: { contentType: 'text/plain', metadata: {} }, tags: { tier: 'gold' } },
];
const KEYS = [
  { name: 'worker-a', store: 'a', operations: ['list', 'read'], session: true, sign: true },
  { name: 'worker-b', store: 'b', operations: ['list', 'read', 'write', 'delete'], session: true, sign: true },
] as const;

let fixture: LedgerFixture;
let cloudA: StartedStore;
let cloudB: StartedStore;
let gateway: StartedGateway;
/** Between the worker and the gateway, and the worker and each store. */
let proxy: FaultProxy;
let proxyA: FaultProxy;
let proxyB: FaultProxy;
let opened: OpenedStores;
const closing: (() => Promise<unknown>)[] = [];
let clockMs = 0;
const now = (): Date => new Date(Date.now() + clockMs);

const storeConfigs = (unsignedPayload = false, traffic: ProviderStore['traffic'] = 'direct'): ProviderStore[] => [
  providerStore(proxyA.url, { name: 'a', traffic }),
  providerStore(proxyB.url, {
    name: 'b',
    traffic,
    unsignedPayload,
    encryption: { algorithm: 'AES256', kmsKeyId: null },
    credentials: {
      accessKeyId: 'env:PROVIDER_ID',
      secretAccessKey: 'env:PROVIDER_SECRET',
      sessionToken: 'env:PROVIDER_TOKEN',
    },
  }),
];

/** Takes what asks for encryption with its own keys, which leave the ETag the MD5 of the bytes; and nothing else. */
function thatEncrypts(store: Store): Store {
  const taken = <Request extends PutRequest>({ encryption, ...request }: Request): Omit<Request, 'encryption'> => {
    if (encryption?.algorithm !== 'AES256')
      throw refused('AccessDenied', 403, 'this store takes encrypted objects only');
    return request;
  };
  return {
    ...store,
    put: (request, body) => store.put(taken(request), body),
    createUpload: (request) => store.createUpload(taken(request)),
  };
}

const startTheGateway = (port = 0, unsigned = false): Promise<StartedGateway> =>
  startGateway({
    stores: storeConfigs(unsigned),
    keys: KEYS.map((key) => ({ ...key, allowUnsignedPayload: unsigned })),
    gateway: { sessionSecret: 'env:SESSION', listen: { host: '127.0.0.1', port } },
    secrets: { SESSION: SESSION_SECRET, PROVIDER_TOKEN: STS_CREDENTIALS.sessionToken ?? '' },
    now,
  });

before(async () => {
  fixture = await createLedgerFixture();
  const common = { region: 'eu-west-1', now };
  cloudA = await startStore({ ...common, keys: [PROVIDER_CREDENTIALS], buckets: ['source', 'other'] });
  cloudB = await startStore({
    ...common,
    keys: [STS_CREDENTIALS],
    buckets: ['target', 'other'],
    allowUnsignedPayload: true,
    store: thatEncrypts(createMemoryStore()),
  });
  proxyA = await startFaultProxy(cloudA.port);
  proxyB = await startFaultProxy(cloudB.port);
  gateway = await startTheGateway();
  proxy = await startFaultProxy(Number(new URL(gateway.url).port));
  opened = await openAsWorker();
  const source = straightTo(cloudA);
  await putDemoObjects(source, 'source', OBJECTS);
  await source.close();
  closing.push(
    () => fixture.close(),
    () => cloudA.close(),
    () => cloudB.close(),
    () => gateway.close(),
    () => proxy.close(),
    () => proxyA.close(),
    () => proxyB.close(),
    () => opened.close(),
  );
});
after(async () => {
  for (const end of closing.reverse()) await end();
});
beforeEach(() => {
  for (const one of [proxy, proxyA, proxyB]) {
    one.requests.length = 0;
    one.decide = () => ({ kind: 'pass' });
  }
  cloudA.resetCounts();
  cloudB.resetCounts();
  gateway.logged.length = 0;
  clockMs = 0;
});

/** @param keyConsents `allow_unsigned_payload` of the keys; the store's consent is `unsigned` */
async function openAsWorker(
  unsigned = false,
  gatewayEndpoint = proxy.url,
  keyConsents = unsigned,
  traffic: ProviderStore['traffic'] = 'direct',
): Promise<OpenedStores> {
  const keys = KEYS.map(({ name, store, operations, session, sign }): WorkloadKey => {
    const { accessKeyId, secretAccessKey } = toCallerCredentials(name);
    const variable = `TEST_${name.replace('-', '_').toUpperCase()}`;
    process.env[`${variable}_ID`] = accessKeyId;
    process.env[`${variable}_SECRET`] = secretAccessKey;
    return {
      name,
      accessKeyId: `env:${variable}_ID`,
      secretAccessKeys: [`env:${variable}_SECRET`],
      store,
      operations,
      buckets: [],
      prefixes: [],
      allowUnsignedPayload: keyConsents,
      upload: false,
      session,
      sign,
      expiresAt: null,
      sourceNetworks: [],
    };
  });
  const worker: WorkerConfig = {
    gatewayEndpoint,
    keys: { a: 'worker-a', b: 'worker-b' },
    sessions: true,
    processes: 1,
    metricsListen: null,
    heartbeatTimeoutMs: 60_000,
    requestLimitMs: 30_000,
    memoryBytes: 64 * MiB,
    sweepIntervalMs: 60_000,
    retentionMs: 30 * 86_400_000,
  };
  const config = {
    stores: new Map(storeConfigs(unsigned, traffic).map((store) => [store.name, store])),
    gateway: { region: 'us-east-1', keys } as unknown as GatewayConfig,
  } as unknown as Config;
  return openStores(config, worker, {
    ledger: fixture.ledger,
    logger: { warn: () => undefined },
    now,
    elapsedMs: () => performance.now() + clockMs,
  });
}

const straightTo = (cloud: StartedStore): Store =>
  createS3Store({
    name: 'straight',
    endpoint: cloud.endpoint,
    region: 'eu-west-1',
    addressing: 'path',
    credentials: () => (cloud === cloudA ? PROVIDER_CREDENTIALS : STS_CREDENTIALS),
    requestLimitMs: 30_000,
    connectionsMax: 8,
    etags: 'md5',
    now,
  });

async function run(name: string, openStore = opened.openStore, unsignedPayload = false): Promise<Driven> {
  const spec = buildSpec(name, 'target');
  return driveRun({
    ledger: fixture.ledger,
    openStore,
    facts: { unsignedPayload },
    spec: {
      ...spec,
      source: { ...spec.source, prefix: 'in/' },
      target: { ...spec.target, prefix: `${name}/` },
      tags: true,
    },
    runId: '1',
  });
}

async function acceptAttempt(name: string): Promise<string> {
  const { run: accepted } = await fixture.ledger.accept({
    pipeline: name,
    mode: 'run',
    runId: '1',
    nominalAt: null,
    spec: buildSpec(name),
    targetFingerprint: toTargetFingerprint(buildSpec(name)),
    again: false,
    idempotency: null,
  });
  return accepted.attempt.attemptId;
}

/** What the worker sent to the gateway, beside asking for sessions and signatures. */
const carried = (): ProxiedRequest[] => proxy.requests.filter(({ url }) => url !== '/sign' && url !== '/session');
const asked = (): ProxiedRequest[] => proxy.requests.filter(({ url }) => url === '/sign');

async function assertCopied(name: string): Promise<void> {
  const [source, target] = [straightTo(cloudA), straightTo(cloudB)];
  try {
    const keys = OBJECTS.map(({ key }) => key.slice('in/'.length));
    const found = (await listKeys(target, 'target', `${name}/`)).map((key) => key.slice(name.length + 1));
    assert.deepEqual(found.filter((key) => !key.startsWith('manifests/')).sort(), keys.sort());
    for (const key of keys) {
      const [from, to] = await Promise.all([
        readBytes(source, 'source', `in/${key}`),
        readBytes(target, 'target', `${name}/${key}`),
      ]);
      assert.ok(from.equals(to), key);
    }
    const { metadata } = await target.head({ bucket: 'target', key: `${name}/Größe +%/ä` });
    assert.equal(metadata['name'], 'Größe');
    assert.deepEqual(await target.getTags({ bucket: 'target', key: `${name}/tagged` }), { tier: 'gold' });
  } finally {
    await source.close();
    await target.close();
  }
}

test('no byte of an object passes the gateway, which is asked in batches, and each store is reached with its own key', async () => {
  const { runUuid, end, failures } = await run('straight');
  assert.deepEqual([end.state, failures], ['done', []]);
  assert.deepEqual(carried(), []);
  assert.deepEqual(
    gateway.logged.filter((line) => /^request /.test(line) && !/operation: '(Sign|Session)'/.test(line)),
    [],
  );
  const bytes = OBJECTS.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  assert.equal(cloudA.adminCounts().objectBytesOut, bytes);
  assert.ok(cloudB.adminCounts().objectBytesIn >= bytes);
  await assertCopied('straight');

  const sent = [...proxyA.requests, ...proxyB.requests];
  assert.ok(sent.length > 2 * OBJECTS.length);
  // Each request of its own would be one question each.
  assert.ok(asked().length < sent.length / 2, `${asked().length} questions for ${sent.length} requests`);
  for (const { headers, url } of sent) {
    assert.match(headers.authorization ?? '', new RegExp(`Credential=${PROVIDER_CREDENTIALS.accessKeyId}/`), url);
  }
  for (const { headers } of proxyA.requests) assert.equal(headers['x-amz-security-token'], undefined);
  for (const { headers, method, url } of proxyB.requests) {
    assert.equal(headers['x-amz-security-token'], STS_CREDENTIALS.sessionToken);
    const makesObject = (method === 'PUT' && !url.includes('partNumber=')) || url.endsWith('?uploads=');
    assert.equal(headers['x-amz-server-side-encryption'], makesObject ? 'AES256' : undefined, `${method} ${url}`);
    if (method === 'PUT' && makesObject) assert.ok(headers['if-none-match'] ?? headers['if-match'], url);
  }
  assert.ok(proxyB.requests.some(({ url }) => url.includes('partNumber=3')));
  for (const { headers } of asked()) assert.match(headers.authorization ?? '', /Credential=WBSESSION/);
  const lines = gateway.logged.filter((line) => line.startsWith('requests signed'));
  assert.equal(lines.length, asked().length);
  for (const line of lines) assert.match(line, new RegExp(`run: '${runUuid}'`));
  assert.match(lines.join('\n'), /'GetObject source\/in\/tagged'/);
  assert.match(lines.join('\n'), /'PutObject target\/straight\/tagged'/);

  cloudA.resetCounts();
  cloudB.resetCounts();
  const again = await run('straight');
  assert.equal(again.end.state, 'done');
  assert.equal(cloudA.adminCounts().requests('GetObject'), 0);
  assert.equal(cloudB.adminCounts().objectBytesIn, 0, 'and again nothing is copied');
});

test('stores that fail, cut off, slow down and damage are asked again, with signatures of their own', async () => {
  const seen = new Map<string, number>();
  const fault = (faults: Readonly<Record<string, ReturnType<FaultProxy['decide']>>>) => (request: ProxiedRequest) => {
    const name = `${request.method} ${request.url.split('?', 1)[0] ?? ''}`;
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? (faults[name] ?? { kind: 'pass' as const }) : { kind: 'pass' as const };
  };
  proxyA.decide = fault({
    'GET /source/in/part-001.json': { kind: 'truncate-answer' },
    'GET /source/in/part-002.json': { kind: 'answer', status: 503, code: 'SlowDown' },
    'GET /source/in/part-003.json': { kind: 'drop-request' },
    'GET /source/in/part-004.json': { kind: 'corrupt-answer' },
  });
  proxyB.decide = fault({
    'PUT /target/faults/part-005.json': { kind: 'corrupt-request' },
    'PUT /target/faults/part-006.json': { kind: 'drop-answer' },
    'PUT /target/faults/large': { kind: 'corrupt-request' },
    'POST /target/faults/large': { kind: 'answer', status: 500, code: 'InternalError' },
  });
  const { end } = await run('faults');
  assert.equal(end.state, 'done');
  assert.deepEqual(carried(), []);
  await assertCopied('faults');
});

test('sessions that run out while the run goes on are renewed, and signatures with them', async () => {
  let activities = 0;
  const { end, failures } = await run('long', (name, onTraffic, attemptId) => {
    // An attempt that was paused: both its session and what was signed before have ended.
    if (name === 'a' && ++activities >= 2) clockMs += 20 * MINUTE_MS;
    return opened.openStore(name, onTraffic, attemptId);
  });
  assert.deepEqual([end.state, failures], ['done', []]);
  assert.ok(activities >= 2);
  assert.ok(proxy.requests.filter(({ url }) => url === '/session').length >= 4);
  await assertCopied('long');
});

test('a gateway that loses a question, restarts, and is away for a while costs no object', async () => {
  const restarted = createGate();
  const port = Number(new URL(gateway.url).port);
  let questions = 0;
  let lost = 0;
  proxy.decide = ({ url }) => {
    if (url !== '/sign') return { kind: 'pass' };
    questions += 1;
    if (questions === 4) return { kind: 'drop-request' };
    if (questions === 8) {
      void (async () => {
        await gateway.close();
        gateway = await startTheGateway(port);
        restarted.open();
      })();
      return { kind: 'hold-before', until: restarted.opened };
    }
    // Away: both tries of several batches fail.
    if (questions >= 12 && questions < 18) {
      lost += 1;
      return { kind: 'drop-request' };
    }
    return { kind: 'pass' };
  };
  const { end } = await run('restarts');
  assert.equal(end.state, 'done');
  assert.equal(lost, 6);
  assert.deepEqual(carried(), []);
  await assertCopied('restarts');
});

test('what the gateway does not sign is refused as if it had been sent there, and buckets are asked of the gateway', async () => {
  const attemptId = await acceptAttempt('narrow');
  const store = opened.openStore('a', () => undefined, attemptId);
  await assert.rejects(store.get({ bucket: 'other', key: 'in/x' }), {
    type: 'access_denied',
    message: /s3Code=AccessDenied.*bucket=other/,
  });
  await assert.rejects(store.delete({ bucket: 'source', key: 'in/tagged' }), { type: 'access_denied' });
  assert.equal(proxyA.requests.length, 0, 'the store heard of neither');
  await store.headBucket('source');
  const target = opened.openStore('b', () => undefined, null);
  await target.putTags({ bucket: 'target', key: 'straight/tagged' }, { tier: 'silver' });
  assert.match(proxy.requests.at(-1)?.url ?? '', /^\/target\/straight\/tagged\?/);
});

for (const traffic of ['direct', 'proxied'] as const) {
  test(`with the consent of store and key, bytes that the store proves otherwise go without their hash, once it has shown that it does: ${traffic}`, async () => {
    const own = await startTheGateway(0, true);
    const consented = await openAsWorker(true, own.url, true, traffic);
    const withoutKey = await openAsWorker(true, own.url, false, traffic);
    try {
      assert.equal(opened.storeFacts('b').unsignedPayload, false);
      assert.equal(withoutKey.storeFacts('b').unsignedPayload, false, 'the store alone does not do');
      assert.equal(consented.storeFacts('a').unsignedPayload, false);
      const unsignedPayload = consented.storeFacts('b').unsignedPayload === true;
      const { end, failures } = await run(`unsigned-${traffic}`, consented.openStore, unsignedPayload);
      assert.deepEqual([end.state, failures], ['done', []]);
      const isUnsigned = ({ headers }: ProxiedRequest): boolean =>
        headers['x-amz-content-sha256'] === 'UNSIGNED-PAYLOAD';
      const bodies = proxyB.requests.filter(({ method }) => method === 'PUT');
      assert.ok(bodies.some(isUnsigned));
      for (const { headers, url } of bodies.filter(isUnsigned)) {
        assert.ok(headers['content-md5'] !== undefined || headers['x-amz-checksum-crc32'] !== undefined, url);
      }
      assert.ok(!bodies.filter(({ url }) => /\/(?:dots|empty|tagged)$/.test(url)).some(isUnsigned));
      assert.ok(!proxyB.requests.filter(({ method }) => method !== 'PUT').some(isUnsigned));
      await assertCopied(`unsigned-${traffic}`);
    } finally {
      await consented.close();
      await withoutKey.close();
      await own.close();
    }
  });
}

for (const traffic of ['direct', 'proxied'] as const) {
  test(`a gateway whose key may send no unsigned bodies any more costs a worker that does not know it no object: ${traffic}`, async () => {
    // Its configuration is the present one, the worker's that of its start.
    const own = await startTheGateway(0, false);
    const worker = await openAsWorker(true, own.url, true, traffic);
    try {
      assert.equal(worker.storeFacts('b').unsignedPayload, true);
      const { end, failures } = await run(`taken-back-${traffic}`, worker.openStore, true);
      assert.deepEqual([end.state, failures], ['done', []]);
      await assertCopied(`taken-back-${traffic}`);
    } finally {
      await worker.close();
      await own.close();
    }
  });
}
