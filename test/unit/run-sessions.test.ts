/** What a worker holds of sessions, under a clock that the test sets. */
import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import { WaybillError } from '../../core/failures.ts';
import type { PipelineSpec } from '../../core/pipeline.ts';
import type { Credentials } from '../../sigv4/types.ts';
import { toSessionScope, type Session } from '../../worker/ask-session.ts';
import { createRunSessions } from '../../worker/run-sessions.ts';

const LIFETIME_MS = 900_000;
const MARGIN_MS = 30_000;

function createBench() {
  const asked: string[] = [];
  const waiting: ((answer: Session | WaybillError) => void)[] = [];
  const lost: string[] = [];
  let nowMs = 5_000_000;
  const sessions = createRunSessions({
    ask: (attemptId, store) => {
      asked.push(`${attemptId} ${store}`);
      return new Promise((resolve, reject) =>
        waiting.push((answer) => (answer instanceof WaybillError ? reject(answer) : resolve(answer))),
      );
    },
    elapsedMs: () => nowMs,
    marginMs: MARGIN_MS,
    onRenewalFailed: (attemptId, store, error) => lost.push(`${attemptId} ${store} ${String(error)}`),
  });
  const toCredentials = (id: string): Credentials => ({ accessKeyId: id, secretAccessKey: 's', sessionToken: 't' });
  const next = (): ((answer: Session | WaybillError) => void) =>
    waiting.shift() ?? assert.fail('nothing was asked for');
  return {
    asked,
    lost,
    pass: (ms: number): void => void (nowMs += ms),
    use: (attemptId = 'one', store = 'a') => sessions.credentials(attemptId, store),
    idOf: async (attemptId = 'one', store = 'a') => (await sessions.credentials(attemptId, store)).accessKeyId,
    answer: async (id: string, lifetimeMs = LIFETIME_MS): Promise<void> => {
      next()({ credentials: toCredentials(id), lifetimeMs });
      await turn();
    },
    refuse: async (error: WaybillError): Promise<void> => {
      next()(error);
      await turn();
    },
  };
}

test('a session is asked for once, however many requests wait for it, and given at once from then on', async () => {
  const bench = createBench();
  const waiting = Promise.all([bench.use(), bench.use(), bench.use()]);
  assert.deepEqual(bench.asked, ['one a']);
  await bench.answer('first');
  assert.deepEqual(new Set((await waiting).map(({ accessKeyId }) => accessKeyId)), new Set(['first']));
  assert.ok(!(bench.use() instanceof Promise));
  assert.equal(bench.asked.length, 1);
});

test('each attempt and each store has its own', async () => {
  const bench = createBench();
  const all = Promise.all([bench.idOf('one', 'a'), bench.idOf('one', 'b'), bench.idOf('two', 'a')]);
  for (const id of ['1', '2', '3']) await bench.answer(id);
  assert.deepEqual(await all, ['1', '2', '3']);
  assert.deepEqual(bench.asked, ['one a', 'one b', 'two a']);
});

test('shortly before its end it is renewed once, while requests go on with the one that holds', async () => {
  const bench = createBench();
  const first = bench.idOf();
  await bench.answer('first');
  assert.equal(await first, 'first');
  bench.pass(LIFETIME_MS * 0.8 - 1);
  assert.equal(await bench.idOf(), 'first');
  assert.equal(bench.asked.length, 1);
  bench.pass(1);
  assert.deepEqual([await bench.idOf(), await bench.idOf()], ['first', 'first']);
  assert.equal(bench.asked.length, 2);
  await bench.answer('second');
  assert.equal(await bench.idOf(), 'second');
  bench.pass(LIFETIME_MS * 0.8 - 1);
  assert.equal(await bench.idOf(), 'second');
  assert.equal(bench.asked.length, 2);
});

test('it is not used in the margin before its end: whoever needs one then waits for the next', async () => {
  const bench = createBench();
  const first = bench.idOf();
  await bench.answer('first');
  await first;
  bench.pass(LIFETIME_MS - MARGIN_MS - 1);
  assert.equal(await bench.idOf(), 'first');
  bench.pass(1);
  const late = bench.idOf();
  assert.equal(bench.asked.length, 2, 'the renewal that is under way is waited for');
  await bench.answer('second');
  assert.equal(await late, 'second');
});

test('its time runs from when it was asked for, not from when the answer came', async () => {
  const bench = createBench();
  const first = bench.idOf();
  bench.pass(LIFETIME_MS - MARGIN_MS);
  await bench.answer('first');
  assert.equal(await first, 'first');
  const next = bench.use();
  assert.ok(next instanceof Promise);
  await bench.answer('second');
  assert.equal((await next).accessKeyId, 'second');
});

test('a renewal that fails is tried again after a pause, and fails requests only when the session is over', async () => {
  const bench = createBench();
  const down = new WaybillError('store_unreachable', 'the gateway is down');
  const first = bench.idOf();
  await bench.answer('first');
  await first;
  bench.pass(LIFETIME_MS * 0.8);
  assert.equal(await bench.idOf(), 'first');
  await bench.refuse(down);
  assert.deepEqual(bench.lost.length, 1);
  assert.equal(await bench.idOf(), 'first');
  assert.equal(bench.asked.length, 2, 'not with every request');
  bench.pass(5_000);
  assert.equal(await bench.idOf(), 'first');
  assert.equal(bench.asked.length, 3);
  await bench.refuse(down);
  bench.pass(LIFETIME_MS);
  const late = bench.idOf();
  const refused = assert.rejects(late, { type: 'store_unreachable' });
  await bench.refuse(down);
  await refused;
  const mended = bench.idOf();
  await bench.answer('second');
  assert.equal(await mended, 'second');
});

test('one that cannot be had is asked for again by the next request, and is no one else’s failure', async () => {
  const bench = createBench();
  const refused = assert.rejects(bench.idOf(), { type: 'access_denied' });
  await bench.refuse(new WaybillError('access_denied', 'no'));
  await refused;
  const next = bench.idOf();
  await bench.answer('first');
  assert.equal(await next, 'first');
  assert.equal(bench.asked.length, 2);
});

test('a session shorter than the margin is used for three quarters of its time', async () => {
  const bench = createBench();
  const first = bench.idOf();
  await bench.answer('short', 4_000);
  await first;
  bench.pass(2_999);
  assert.equal(await bench.idOf(), 'short');
  assert.equal(bench.asked.length, 1);
  bench.pass(1);
  const next = bench.idOf();
  await bench.answer('next', 4_000);
  assert.equal(await next, 'next');
});

const toSpec = (source: object, target: object): PipelineSpec => ({ source, target }) as unknown as PipelineSpec;
const ALL = ['list', 'read', 'write', 'delete', 'admin'] as const;

test('a session reads at the source and writes at the target, under the bucket and the prefix of each', () => {
  const spec = toSpec({ store: 'a', bucket: 'in', prefix: 'x/' }, { store: 'b', bucket: 'out', prefix: 'copy/' });
  assert.deepEqual(toSessionScope(spec, 'a', ALL), { operations: ['list', 'read'], buckets: ['in'], prefixes: ['x/'] });
  assert.deepEqual(toSessionScope(spec, 'b', ALL), {
    operations: ['list', 'read', 'write'],
    buckets: ['out'],
    prefixes: ['copy/'],
  });
  assert.deepEqual(toSessionScope(spec, 'b', ['write']).operations, ['write'], 'never more than the key has');
  assert.throws(() => toSessionScope(spec, 'c', ALL), { type: 'access_denied' });
});

test('a pipeline of a whole bucket has no prefix to be narrowed to, and one store of both ends one session for both', () => {
  const whole = toSpec({ store: 'a', bucket: 'in', prefix: '' }, { store: 'a', bucket: 'out', prefix: 'copy/' });
  assert.deepEqual(toSessionScope(whole, 'a', ALL), { operations: ['list', 'read', 'write'], buckets: ['in', 'out'] });
  const within = toSpec({ store: 'a', bucket: 'in', prefix: 'x/' }, { store: 'a', bucket: 'in', prefix: 'y/' });
  assert.deepEqual(toSessionScope(within, 'a', ALL), {
    operations: ['list', 'read', 'write'],
    buckets: ['in'],
    prefixes: ['x/', 'y/'],
  });
});
