/**
 * What an endpoint gives away when it is asked wrongly in every way: answers, log lines, records, metrics and the admin listener hold
 * no secret of a caller or a provider, in any form, and never the signature that would have been right.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SIGNED, SIGNED_TRAILER, signChunked, type ChunkedPlan } from '../support/chunked-body.ts';
import { findSecrets, type Place, type Secret } from '../support/find-secrets.ts';
import { exchange, send, sign, type RequestPlan } from '../support/signed-request.ts';
import { startStore, type StartedStore } from '../support/start-store.ts';

const SECRET = 'canary/of+the=store owner';
const TOKEN = 'canary-session/token+of=somebody';

let store: StartedStore;
before(async () => {
  store = await startStore({
    buckets: ['bucket'],
    keys: [{ accessKeyId: 'AKIDSTORETEST', secretAccessKey: SECRET }],
    requestLimitMs: 2_000,
  });
});
after(() => store.close());

const places: Place[] = [];
/** The signatures that would have been right: whoever learns one can send the request. */
const expected: Secret[] = [];
const keep = (name: string, answer: { headers: object; text: string }): void => {
  places.push({ name, text: `${JSON.stringify(answer.headers)}\n${answer.text}` });
};
const signatureOf = (headers: readonly (readonly [string, string])[]): string =>
  /Signature=([0-9a-f]{64})/.exec(headers.find(([name]) => name === 'authorization')?.[1] ?? '')?.[1] ?? '';

const PLANS: readonly (readonly [string, RequestPlan])[] = [
  ['put', { method: 'PUT', target: '/bucket/key', body: 'payload' }],
  ['list', { method: 'GET', target: '/bucket?list-type=2&prefix=a%20b' }],
  ['delete', { method: 'POST', target: '/bucket?delete', body: '<Delete/>' }],
  ['missing', { method: 'GET', target: '/bucket/absent' }],
];
const bend = (headers: readonly (readonly [string, string])[], from: RegExp, to: string) =>
  headers.map(([name, value]): readonly [string, string] => [
    name,
    name === 'authorization' ? value.replace(from, to) : value,
  ]);

test('requests that are refused, in every way', async () => {
  for (const [name, plan] of PLANS) {
    const { target, headers } = sign(store, plan);
    expected.push({ name: `the signature of ${name}`, value: signatureOf(headers) });
    for (const [how, bent] of [
      ['forged', bend(headers, /Signature=.*/, `Signature=${'0'.repeat(64)}`)],
      ['short', bend(headers, /Signature=.*/, 'Signature=abc')],
      ['nobody', bend(headers, /AKIDSTORETEST/, 'AKIDNOBODY')],
      ['malformed', bend(headers, /SignedHeaders=/, 'Signed=')],
      ['other region', bend(headers, /us-east-1/, 'eu-west-1')],
    ] as const) {
      keep(`${name}, ${how}`, await exchange(store, plan.method, target, bent, plan.body));
    }
    const later = new Date(Date.now() - 3_600_000);
    keep(`${name}, late`, await send(store, { ...plan, at: later }));
    keep(
      `${name}, presigned and changed`,
      await send(store, { ...plan, presignSeconds: 60, tamper: (all) => [...all, ['x-amz-meta-a', 'b']] }),
    );
    const presigned = sign(store, { ...plan, presignSeconds: 60 });
    expected.push({
      name: `the URL of ${name}`,
      value: /X-Amz-Signature=([0-9a-f]{64})/.exec(presigned.target)?.[1] ?? '',
    });
    keep(
      `${name}, presigned and forged`,
      await exchange(
        store,
        plan.method,
        presigned.target.replace(/X-Amz-Signature=.{8}/, 'X-Amz-Signature=00000000'),
        presigned.headers,
        plan.body,
      ),
    );
    keep(
      `${name}, with a token`,
      await send(store, {
        ...plan,
        credentials: { accessKeyId: 'AKIDSTORETEST', secretAccessKey: SECRET, sessionToken: TOKEN },
      }),
    );
    keep(
      `${name}, other secret`,
      await send(store, { ...plan, credentials: { accessKeyId: 'AKIDSTORETEST', secretAccessKey: 'guess' } }),
    );
  }
});

test('chunks and trailers that are refused', async () => {
  const chunks = [Buffer.alloc(9000, 'a'), Buffer.from('end')];
  const trailer = ['x-amz-checksum-crc32', 'AAAAAA=='] as const;
  for (const plan of [
    { mode: SIGNED, chunks },
    { mode: SIGNED_TRAILER, chunks, trailer },
  ] as ChunkedPlan[]) {
    const { headers, body } = signChunked(store, plan);
    const text = Buffer.from(body).toString('latin1');
    const all = [...text.matchAll(/signature[=:]([0-9a-f]{64})/g)].map((match) => ({
      at: match.index + 16,
      value: match[1] ?? '',
    }));
    for (const [index, { at, value }] of all.entries()) {
      const changed = Buffer.from(body);
      changed.write('0000', at + 10, 'latin1');
      const answer = await exchange(store, 'PUT', '/bucket/key', headers, changed);
      assert.notEqual(answer.status, 200);
      keep(`${plan.mode}, signature ${String(index)}`, answer);
      // The one before is sent by the client and stands in the string to sign; the one that was forged must not be told.
      assert.ok(!answer.text.includes(value), `${plan.mode}: the right signature of chunk ${String(index)} was told`);
    }
  }
});

test('nothing of it tells a secret or a signature that would have been right', () => {
  const secrets: Secret[] = [
    { name: 'the secret of the caller', value: SECRET },
    { name: 'the session token', value: TOKEN },
    ...expected,
  ];
  const records = store.adminCounts().records;
  places.push(
    { name: 'the log', text: store.logged.join('\n') },
    { name: 'the records', text: JSON.stringify(records) },
  );
  assert.ok(places.length > 40 && records.length > 40 && expected.every(({ value }) => value.length === 64));
  assert.deepEqual(findSecrets(places, secrets), []);
  assert.notDeepEqual(
    findSecrets([...places, { name: 'planted', text: `x${SECRET}y` }], secrets),
    [],
    'the search finds',
  );
});
