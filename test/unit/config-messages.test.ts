/** What is said of a wrong field: its place, the form that was expected, and what stands there, where that can be no secret. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../config/load-config.ts';

const STORES = `stores:
  a: { directory: /srv/a }
  b: { endpoint: 'https://s3.example.com' }
`;
const PIPELINE = `${STORES}pipelines:
  copy:
    source: { store: a, bucket: inbox }
    target: { store: b, bucket: archive }
`;

/** The messages, without the file's name. */
function refuse(text: string): string[] {
  try {
    parseConfig(text, { file: 'w.yaml', env: {} });
  } catch (error) {
    const lines = (error as Error).message.split('\n');
    return lines.filter((line) => line.startsWith('w.yaml:')).map((line) => line.slice('w.yaml:'.length));
  }
  assert.fail('the configuration was accepted');
}

const A_DURATION = 'a duration, as 500ms, 30s, 5m, 1h, 1d or a number of seconds';

const MESSAGES: readonly (readonly [text: string, message: string])[] = [
  [
    `${PIPELINE}    retention: 1y\n`,
    `8:16: pipelines.copy.retention: expected ${A_DURATION}: how long manifests, steps and outcomes of the pipeline's ended attempts are kept, at least 3d (worker.retention); found "1y"`,
  ],
  [`${PIPELINE}    retention: 1d\n`, '8:16: pipelines.copy.retention: expected at least 3d; found "1d"'],
  [
    `${PIPELINE}    max_age: -5\n`,
    `8:14: pipelines.copy.max_age: expected ${A_DURATION}: the oldest object that is copied, by the nominal time of the run; found the number -5`,
  ],
  [
    `${PIPELINE}    min_size: 5 apples\n`,
    '8:15: pipelines.copy.min_size: expected a size, as 5MiB, 1GB or a number of bytes: the smallest object that is copied; found "5 apples"',
  ],
  [
    `${PIPELINE}    overwrite: allways\n`,
    '8:16: pipelines.copy.overwrite: expected refuse or always: what is done about somebody else\'s object at the target (refuse); found "allways"',
  ],
  [
    `${PIPELINE}    include: '*.txt'\n`,
    '8:14: pipelines.copy.include: expected a list: globs over the key without the source prefix; none means everything; found a text',
  ],
  [
    `${PIPELINE}    tags: 'no'\n`,
    '8:11: pipelines.copy.tags: expected true or false: true to carry object tags over (true); found "no"',
  ],
  [
    `${PIPELINE}    schedule: daily\n`,
    '8:15: pipelines.copy.schedule: expected a map (cron, timezone, catchup_window, …): when the pipeline runs by itself; found a text',
  ],
  [
    PIPELINE.replace('archive', '2024'),
    '7:33: pipelines.copy.target.bucket: expected a bucket name; found the number 2024, which is a text in quotes only',
  ],
  [
    PIPELINE.replace('bucket: archive', 'bucket:'),
    '7:33: pipelines.copy.target.bucket: expected a bucket name; found nothing',
  ],
  [
    `${PIPELINE}    concurrency: 0\n`,
    '8:18: pipelines.copy.concurrency: expected a whole number of 1 to 64: the batches in flight at once, 1 to 64 (4); found the number 0',
  ],
  [
    "stores: { a: { endpoint: 'http://h', tls_min_version: 1.2 } }",
    '1:55: stores.a.tls_min_version: expected TLSv1.2 or TLSv1.3 (TLSv1.2); found the number 1.2, which is a text in quotes only',
  ],
  [
    "stores: { a: { endpoint: 'http://h', prices: { per_gib_out: free } } }",
    '1:61: stores.a.prices.per_gib_out: expected a number of 0 or more: the price of a GiB that leaves the store; found "free"',
  ],
  ['stores: []', '1:9: stores: expected a map from names: the stores by name; found a list'],
  [
    `${STORES}api: { listen: 8080 }`,
    '4:16: api.listen: expected the address of the API (127.0.0.1:8080) as HOST:PORT; found the number 8080, which is a text in quotes only',
  ],
  [
    `${STORES}gateway:\n`,
    '4:9: gateway: expected a map (listen, admin_listen, admin_token, …): the gateway; found nothing',
  ],
  [
    `${STORES}worker: { gateway_endpoint: 'http://g:1', heartbeat_timeout: 60s, request_limit: 31s }`,
    '4:82: worker.request_limit: expected at most half of heartbeat_timeout; found "31s"',
  ],
];

for (const [text, message] of MESSAGES) {
  test(`a person who wrote it wrong is told: ${message}`, () => {
    assert.deepEqual(refuse(text), [message]);
  });
}

/** Short enough to be shown where a word may be shown. */
const SECRETS = ['hunter2', '4711', "''", 'wb_0123456789'];
for (const secret of SECRETS) {
  for (const [place, text] of [
    ['a reference', `${STORES}database: ${secret}`],
    [
      'one of two references',
      `${STORES}gateway: { keys: { k: { access_key_id: 'env:I', secret_access_key: ['env:S', ${secret}], store: a, operations: [list] } } }`,
    ],
    ['the hash of a token', `${STORES}api: { tokens: [{ name: ci, sha256: ${secret} }] }`],
    ['a pair of references', `stores: { a: { endpoint: 'http://h', credentials: ${secret} } }`],
    ['a list of tokens', `${STORES}api: { tokens: ${secret} }`],
    ['a URL', `stores: { a: { endpoint: '${secret.replaceAll("'", '')}@h' } }`],
  ] as const) {
    test(`${secret} in the place of ${place} is refused and not repeated`, () => {
      const message = refuse(text).join('\n');
      assert.match(message, /expected/);
      if (secret !== "''") assert.ok(!message.includes(secret), message);
    });
  }
}

test('a text as long as an access key is not repeated where one of a few words, a number or a unit belongs', () => {
  const key = 'AKIAIOSFODNN7EXAMPLE';
  for (const field of ['overwrite', 'retention', 'min_size', 'concurrency', 'tags']) {
    const message = refuse(`${PIPELINE}    ${field}: ${key}\n`).join('\n');
    assert.match(message, new RegExp(`copy.${field}: expected `));
    assert.ok(!message.includes(key), message);
  }
});
