/**
 * A write is asked for while the execution is current, and leaves when it is not any more (invariant I10): between the two lies the
 * making of its body, its signature, a connection to wait for, and a process that was stopped. Nothing may leave then.
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { guardStore } from '../../activities/guarded-store.ts';
import type { HeartbeatGuard } from '../../activities/heartbeat-guard.ts';
import { WaybillError } from '../../core/failures.ts';
import type { Store } from '../../stores/store.ts';
import { catchFailure } from '../support/catch-failure.ts';
import { createScriptedStore } from '../support/create-scripted-store.ts';
import { printAnswer } from '../support/start-scripted-server.ts';

const OBJECT = { bucket: 'bucket', key: 'key' };
const UPLOAD = { ...OBJECT, uploadId: 'upload' };
const HEADERS = { metadata: {} };
const SOURCE = { bucket: 'from', key: 'key', ifMatch: 'abc' };
const BODY = { sizeBytes: 3, content: Buffer.from('abc') };

const WRITES: Readonly<Record<string, (store: Store) => Promise<unknown>>> = {
  put: (store) => store.put({ ...OBJECT, headers: HEADERS }, BODY),
  copy: (store) => store.copy!({ ...OBJECT, source: SOURCE, headers: { metadata: {} }, withTags: true }),
  delete: (store) => store.delete(OBJECT),
  createUpload: (store) => store.createUpload({ ...OBJECT, headers: HEADERS }),
  uploadPart: (store) => store.uploadPart(UPLOAD, 1, BODY),
  copyPart: (store) => store.copyPart!({ ...UPLOAD, partNumber: 1, source: SOURCE, range: { first: 0, last: 0 } }),
  completeUpload: (store) => store.completeUpload(UPLOAD, [{ partNumber: 1, etag: 'abc' }]),
  abortUpload: (store) => store.abortUpload(UPLOAD),
  putTags: (store) => store.putTags(OBJECT, { a: 'b' }),
};

for (const [name, write] of Object.entries(WRITES)) {
  test(`${name}: nothing leaves when the heartbeat was lost after it was asked for`, async (context) => {
    const { store, guard, server } = await create(context);
    const asked = catchFailure('heartbeat_lost', write(store));
    guard.lose();
    await asked;
    assert.deepEqual(server.requests, []);
  });
}

test('a write that waits for a connection does not leave on it when the heartbeat was lost meanwhile', async (context) => {
  const held: (() => void)[] = [];
  const { store, guard, server } = await create(context, held);
  const reads = [store.head(OBJECT), store.head(OBJECT)];
  while (server.requests.length < reads.length) await new Promise((resolve) => setTimeout(resolve, 5));
  const waiting = catchFailure('heartbeat_lost', WRITES['put']!(store));
  // It was asked for in time, and is in the queue.
  await new Promise((resolve) => setImmediate(resolve));
  guard.lose();
  for (const answer of held.splice(0)) answer();
  await Promise.all([...reads, waiting]);
  // The connection is as good as before.
  const more = store.head(OBJECT);
  while (held.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  held[0]!();
  await more;
  assert.deepEqual([...new Set(server.requests.map(({ method }) => method))], ['HEAD']);
});

/** A store behind a guard that can be lost. With `held`, answers wait there, and there are two connections. */
async function create(context: TestContext, held?: (() => void)[]) {
  const { store, server } = await createScriptedStore(
    context,
    (_, socket) => {
      const answer = (): void => void socket.write(printAnswer(200, { etag: '"abc"' }));
      if (held === undefined) answer();
      else held.push(answer);
    },
    { connectionsMax: 2 },
  );
  let isLost = false;
  const assertCurrent = (): void => {
    if (isLost) throw new WaybillError('heartbeat_lost', 'too old');
  };
  const guard: HeartbeatGuard = {
    signal: new AbortController().signal,
    assertCurrent,
    assertMayWrite: assertCurrent,
  };
  return { store: guardStore(store, guard), guard: { lose: (): void => void (isLost = true) }, server };
}
