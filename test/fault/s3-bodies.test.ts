/** What a store, a network or a source can do to the bytes of an object, against the S3 client. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WaybillError } from '../../core/failures.ts';
import { MiB } from '../../core/limits.ts';
import type { Body, GetRequest, GetResult } from '../../stores/store.ts';
import { catchFailure } from '../support/catch-failure.ts';
import { createScriptedStore } from '../support/create-scripted-store.ts';
import { printAnswer, printError } from '../support/start-scripted-server.ts';

const OBJECT = { bucket: 'bucket', key: 'key' };
const HEADERS = { headers: { metadata: {} } };
const LARGE = Buffer.alloc(3 * 1024 * 1024, 0x61);

const readAll = async (body: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
};

const cutShort = (socket: Socket, length: number, sent: Buffer): void => {
  socket.end(printAnswer(200, { 'content-length': String(length) }, sent));
};

test('a small body that ends early is body_corrupt', async (context) => {
  const { store, traffic } = await createScriptedStore(context, (_, socket) =>
    cutShort(socket, 100, Buffer.alloc(60, 1)),
  );
  const failure = await catchFailure('body_corrupt', store.get(OBJECT));
  assert.equal(failure.details['key'], 'key');
  assert.deepEqual(traffic, [['GetObject', 60, 0]]);
});

test('a large body that ends early fails while it is read, and its bytes are counted once', async (context) => {
  const { store, traffic } = await createScriptedStore(context, (_, socket) =>
    cutShort(socket, LARGE.length + 1, LARGE),
  );
  const got = await store.get(OBJECT);
  await catchFailure('body_corrupt', readAll(got.body));
  assert.deepEqual(traffic, [['GetObject', LARGE.length, 0]]);
});

test('a connection that is reset within a large body is store_unreachable', async (context) => {
  let reset = (): void => undefined;
  const { store } = await createScriptedStore(context, (_, socket) => {
    reset = () => void socket.resetAndDestroy();
    socket.write(printAnswer(200, { 'content-length': String(LARGE.length) }, LARGE.subarray(0, 100_000)));
  });
  const got = await store.get(OBJECT);
  const failed = catchFailure('store_unreachable', readAll(got.body));
  reset();
  await failed;
});

test('a body that stops coming is store_timeout, while one that is read slowly is not', async (context) => {
  const { store } = await createScriptedStore(
    context,
    ({ target }, socket) => {
      const whole = printAnswer(200, {}, LARGE);
      socket.write(target.endsWith('stalled') ? whole.subarray(0, 1_000_000) : whole);
    },
    { idleLimitMs: 150 },
  );
  const stalled = await store.get({ bucket: 'bucket', key: 'stalled' });
  const failure = await catchFailure('store_timeout', readAll(stalled.body));
  assert.equal(failure.details['limitMs'], 150);

  const slow = await store.get(OBJECT);
  // Longer than the idle limit: the queue fills, the socket is paused, and the limit has to stand still.
  await sleep(400);
  assert.equal((await readAll(slow.body)).length, LARGE.length);
});

test('the request limit also ends a body whose reader holds on to it', async (context) => {
  // On a busy machine the head alone may take longer than the shortest.
  for (const requestLimitMs of [200, 2_000, 20_000]) {
    const { store, traffic } = await createScriptedStore(
      context,
      (_, socket) => socket.write(printAnswer(200, {}, LARGE)),
      { requestLimitMs },
    );
    const startedMs = performance.now();
    const got = await store.get(OBJECT).catch((error: unknown) => error);
    if (got instanceof Error && performance.now() - startedMs >= requestLimitMs) continue;
    assert.ok(!(got instanceof Error), String(got));
    await sleep(requestLimitMs + 100);
    await catchFailure('store_timeout', readAll((got as GetResult).body));
    assert.equal(traffic.length, 1);
    return;
  }
  assert.fail('no answer came in time');
});

test('a reader that leaves a body frees its connection', async (context) => {
  const { store, traffic } = await createScriptedStore(
    context,
    (_, socket) => socket.write(printAnswer(200, {}, LARGE)),
    {
      connectionsMax: 1,
    },
  );
  const first = await store.get(OBJECT);
  for await (const chunk of first.body) {
    assert.ok(chunk.length > 0);
    break;
  }
  const second = await store.get(OBJECT);
  assert.equal((await readAll(second.body)).length, LARGE.length);
  assert.equal(traffic.length, 2);
});

test('an answer to another range than the one asked for is refused', async (context) => {
  const wrong: Record<string, [range: NonNullable<GetRequest['range']>, contentRange: string, body: string]> = {
    elsewhere: [{ first: 0, last: 4 }, 'bytes 1-5/10', 'bcdef'],
    shorter: [{ first: 0, last: 4 }, 'bytes 0-3/10', 'abcd'],
    longer: [{ first: 2 }, 'bytes 2-8/10', 'cdefghi'],
    lengthsDiffer: [{ first: 0, last: 4 }, 'bytes 0-4/10', 'abc'],
    noRange: [{ first: 0, last: 4 }, '', 'abcde'],
    unknownTotal: [{ first: 0, last: 4 }, 'bytes 0-4/*', 'abcde'],
    suffix: [{ suffixBytes: 3 }, 'bytes 0-2/10', 'abc'],
  };
  const { store } = await createScriptedStore(context, ({ target }, socket) => {
    const [, contentRange, body] = wrong[target.split('/').at(-1)!]!;
    socket.write(printAnswer(206, contentRange === '' ? {} : { 'content-range': contentRange }, body));
  });
  for (const [key, [range]] of Object.entries(wrong)) {
    await catchFailure('store_refused', store.get({ bucket: 'bucket', key, range }));
  }
});

test('a store that ignores a range is refused, unless the range is the whole object', async (context) => {
  const { store } = await createScriptedStore(context, (_, socket) => socket.write(printAnswer(200, {}, 'abcde')));
  await catchFailure('store_refused', store.get({ ...OBJECT, range: { first: 1 } }));
  const got = await store.get({ ...OBJECT, range: { first: 0, last: 9 } });
  assert.deepEqual(got.range, { first: 0, lengthBytes: 5 });
  assert.equal((await readAll(got.body)).toString(), 'abcde');
});

test('a stream that is longer or shorter than promised is never sent whole', async (context) => {
  const { store, server, traffic } = await createScriptedStore(context, (_, socket) =>
    socket.write(printAnswer(200, {})),
  );
  const sha256 = 'a'.repeat(64) as NonNullable<Body['sha256']>;
  for (const chunks of [['abc'], ['abcd', 'ef']]) {
    const content = async function* () {
      for (const chunk of chunks) yield Buffer.from(chunk);
    };
    await catchFailure('body_corrupt', store.put({ ...OBJECT, ...HEADERS }, { sizeBytes: 5, sha256, content }));
  }
  await catchFailure(
    'body_corrupt',
    store.put({ ...OBJECT, ...HEADERS }, { sizeBytes: 5, content: Buffer.from('abc') }),
  );
  assert.equal(server.requests.length, 0, 'no request was whole');
  assert.ok(traffic.every(([, , bytesOut]) => bytesOut === 0));
});

test("an unsigned payload's last bytes are held back until its hash holds", async (context) => {
  const { store, server } = await createScriptedStore(context, (_, socket) => socket.write(printAnswer(200, {})), {
    unsignedPayload: true,
  });
  const sha256 = 'a'.repeat(64) as NonNullable<Body['sha256']>;
  const content = async function* () {
    yield Buffer.from('abc');
    yield Buffer.from('de');
  };
  await catchFailure('body_corrupt', store.put({ ...OBJECT, ...HEADERS }, { sizeBytes: 5, sha256, content }));
  const bytes = { sizeBytes: 3, sha256, content: Buffer.from('abc') };
  await catchFailure('body_corrupt', store.put({ ...OBJECT, ...HEADERS }, bytes));
  assert.equal(server.requests.length, 0, 'no request was whole');
  await store.put({ ...OBJECT, ...HEADERS }, { sizeBytes: 5, content });
  assert.equal(server.requests[0]?.headers['x-amz-content-sha256'], 'UNSIGNED-PAYLOAD');
});

test('what a source of bytes fails with is what the put fails with', async (context) => {
  const { store } = await createScriptedStore(context, (_, socket) => socket.write(printAnswer(200, {})));
  const failure = new WaybillError('source_changed', 'the source changed');
  const sha256 = 'a'.repeat(64) as NonNullable<Body['sha256']>;
  const content = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from('abc');
    throw failure;
  };
  const put = store.put({ ...OBJECT, ...HEADERS }, { sizeBytes: 5, sha256, content });
  assert.equal(await catchFailure('source_changed', put), failure);
});

test('a large stream without its hash is refused before anything is sent', async (context) => {
  const { store, server } = await createScriptedStore(context, (_, socket) => socket.write(printAnswer(200, {})));
  const body = { sizeBytes: 9 * 1024 * 1024, content: () => assert.fail('the source is not opened') };
  const failure = await catchFailure('store_refused', store.put({ ...OBJECT, ...HEADERS }, body));
  assert.match(failure.message, /sha256/);
  assert.equal(server.requests.length, 0);
});

test('a refused put counts once, with the bytes that were sent', async (context) => {
  const { store, traffic } = await createScriptedStore(context, (_, socket) =>
    socket.write(printError(403, 'AccessDenied')),
  );
  await catchFailure(
    'access_denied',
    store.put({ ...OBJECT, ...HEADERS }, { sizeBytes: 3, content: Buffer.from('abc') }),
  );
  assert.deepEqual(traffic, [['PutObject', 0, 3]]);
});

test('an aborted request rejects with the reason of the signal: waiting, streaming, and before it began', async (context) => {
  let arrived: (() => void) | undefined;
  const { store, traffic, server } = await createScriptedStore(
    context,
    ({ target }, socket) => {
      if (target.endsWith('/large')) socket.write(printAnswer(200, { 'content-length': '9000000' }, LARGE));
      else arrived?.();
    },
    { connectionsMax: 1 },
  );
  const reason = new Error('cancelled by the test');
  const rejects = (promise: Promise<unknown>): Promise<void> => assert.rejects(promise, (error) => error === reason);

  await rejects(store.get({ ...OBJECT, signal: AbortSignal.abort(reason) }));
  assert.equal(traffic.length, 0);

  const waiting = new AbortController();
  const sent = new Promise<void>((resolve) => (arrived = resolve));
  const pending = rejects(store.get({ ...OBJECT, signal: waiting.signal }));
  const queued = rejects(store.head({ ...OBJECT, signal: waiting.signal }));
  await sent;
  waiting.abort(reason);
  await Promise.all([pending, queued]);
  assert.deepEqual(traffic, [['GetObject', 0, 0]], 'the request that still waited for a connection was never sent');

  const streaming = new AbortController();
  const got = await store.get({ bucket: 'bucket', key: 'large', signal: streaming.signal });
  const reading = rejects(readAll(got.body));
  streaming.abort(reason);
  await reading;
  assert.equal(traffic.length, 2);
  assert.equal(server.requests.length, 2);
});

test('closing the store ends what is pending', async (context) => {
  let arrived: (() => void) | undefined;
  const { store } = await createScriptedStore(context, () => arrived?.());
  const sent = new Promise<void>((resolve) => (arrived = resolve));
  const pending = catchFailure('store_unreachable', store.get(OBJECT));
  await sent;
  await store.close();
  await pending;
  await catchFailure('store_unreachable', store.get(OBJECT));
});

test('a slow reader of a large body keeps little of it in memory', async (context) => {
  let written = 0;
  const total = 64 * 1024 * 1024;
  const { store } = await createScriptedStore(context, (_, socket) => {
    socket.write(printAnswer(200, { 'content-length': String(total) }));
    const chunk = Buffer.alloc(256 * 1024);
    const pump = async (): Promise<void> => {
      for (; written < total; written += chunk.length) {
        if (!socket.write(chunk)) await once(socket, 'drain');
      }
    };
    pump().catch(() => undefined);
  });
  const got = await store.get(OBJECT);
  const reader = got.body[Symbol.asyncIterator]();
  await reader.next();
  await sleep(200);
  // What the kernel and two sockets buffer on loopback is a few MiB; the rest has to wait at the sender.
  assert.ok(written < total / 2, `${String(written)} bytes were taken from the sender`);
  await reader.return?.();
});

test('a body waits for the store that takes it, and is not queued here', async (context) => {
  const piece = Buffer.alloc(MiB);
  const total = 128 * MiB;
  let made = 0;
  let taken = 0;
  let aheadMax = 0;
  const server = createServer((socket) => {
    // One read in each turn of the loop: a sender that does not wait has made all of the body before the second.
    const take = (): void => {
      const bytes = socket.read() as Buffer | null;
      if (bytes !== null) taken += bytes.length - (taken === 0 ? bytes.indexOf('\r\n\r\n') + 4 : 0);
      aheadMax = Math.max(aheadMax, made - taken);
      if (taken === total) socket.end(printAnswer(200, {}));
      else if (!socket.destroyed) setImmediate(take);
    };
    take();
  });
  context.after(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const endpoint = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  const options = { endpoint, unsignedPayload: true, requestLimitMs: 60_000 };
  const { store } = await createScriptedStore(context, () => undefined, options);
  const content = async function* () {
    for (; made < total; made += piece.length) yield piece;
  };
  await store.put({ ...OBJECT, ...HEADERS }, { sizeBytes: total, content });
  // A few pieces are on their way, and what the kernel buffers of a loopback connection.
  assert.ok(aheadMax < total / 2, `${String(aheadMax)} bytes were made that nobody had taken`);
});
