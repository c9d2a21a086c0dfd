/**
 * Runs one request after the other against a store of its own, each on a raw connection, and looks at what it leaves behind: the
 * status and S3's code, no object, no upload, no temporary file, no defect in the log; and an honest request on the same
 * connection, where it was kept, that gets its own answer and nothing else.
 */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { forge } from './forge-request.ts';
import { RawConnection, type RawAnswer } from './raw-connection.ts';
import { startStore, type StartedStore } from './start-store.ts';

export interface Attack {
  readonly claim: string;
  /** Of the answer; null where the connection closes without one. */
  readonly status: number | null;
  /** S3's; null where it says nothing that a client could rely on. */
  readonly code: string | null;
  readonly wire: (port: number) => string | Uint8Array;
  /** No more is sent behind it. */
  readonly ends?: boolean;
  readonly check?: (answer: RawAnswer) => void;
}

type More = Pick<Attack, 'ends' | 'check'>;

export const refused = (
  claim: string,
  status: number | null,
  code: string | null,
  wire: Attack['wire'],
  more: More = {},
): Attack => ({ claim, status, code, wire, ...more });

export const served = (claim: string, status: number, wire: Attack['wire'], more: More = {}): Attack => ({
  claim,
  status,
  code: '',
  wire,
  ...more,
});

/** A test for each; all against one store, which holds `/kept/seed` for the honest requests and an empty bucket `bucket`. */
export function runAttacks(attacks: readonly Attack[]): void {
  let store: StartedStore;
  before(async () => {
    store = await startStore({ buckets: ['bucket', 'kept'], allowUnsignedPayload: true, requestLimitMs: 20_000 });
    await store.store.put(
      { bucket: 'kept', key: 'seed', headers: { metadata: {} } },
      { sizeBytes: 4, content: new Uint8Array(Buffer.from('seed')) },
    );
  });
  after(() => store.close());
  for (const attack of attacks) {
    const outcome = attack.code === '' ? 'served' : 'refused';
    test(`${outcome}: ${attack.claim}`, async () => {
      const answer = await ask(store, attack);
      const shown = answer === null ? 'no answer' : `${answer.head}\n${answer.text}`;
      assert.equal(answer?.status ?? null, attack.status, shown);
      if (attack.code !== null) assert.equal(answer?.code ?? '', attack.code, shown);
      attack.check?.(answer as RawAnswer);
      if (attack.code === '') await empty(store);
      await assertUntouched(store);
    });
  }
}

async function ask(store: StartedStore, attack: Attack): Promise<RawAnswer | null> {
  const connection = await RawConnection.open(store.port);
  const bytes = Buffer.from(attack.wire(store.port) as Uint8Array);
  connection.write(bytes);
  if (attack.ends === true) connection.end();
  const answer = await connection.read(bytes.subarray(0, 5).toString() === 'HEAD ');
  const isKept = answer !== null && !/\r\nconnection: close\r\n/i.test(answer.head) && attack.ends !== true;
  const next = isKept ? connection : await RawConnection.open(store.port);
  const honest = forge(store.port, { path: '/kept/seed', unsignedHeaders: [['Connection', 'close']] });
  if (next === connection) assert.equal(next.left, '', 'more than one answer to one request');
  next.write(honest);
  const second = await next.read();
  assert.deepEqual([second?.status, second?.text], [200, 'seed'], 'the honest request that follows');
  await next.closed();
  assert.equal(next.left, '', 'an answer to a request that nobody sent');
  connection.destroy();
  next.destroy();
  return answer;
}

async function assertUntouched(store: StartedStore): Promise<void> {
  assert.deepEqual(store.logged, []);
  assert.deepEqual((await store.store.list({ bucket: 'bucket' })).objects, []);
  assert.deepEqual(await store.store.listUploads({ bucket: 'bucket', prefix: '' }), []);
  assert.deepEqual(
    (await store.store.list({ bucket: 'kept' })).objects.map(({ key }) => key),
    ['seed'],
  );
  assert.deepEqual((await store.store.listBuckets()).map(({ name }) => name).sort(), ['bucket', 'kept']);
  // A file that is taken back goes shortly after the answer.
  const until = Date.now() + 2_000;
  let left = await readdir(join(store.root, 'tmp'));
  while (left.length > 0 && Date.now() < until) {
    await setTimeout(10);
    left = await readdir(join(store.root, 'tmp'));
  }
  assert.deepEqual(left, []);
}

async function empty(store: StartedStore): Promise<void> {
  for (const { key } of (await store.store.list({ bucket: 'bucket' })).objects) {
    await store.store.delete({ bucket: 'bucket', key });
  }
  for (const { key, uploadId } of await store.store.listUploads({ bucket: 'bucket', prefix: '' })) {
    await store.store.abortUpload({ bucket: 'bucket', key, uploadId });
  }
}
