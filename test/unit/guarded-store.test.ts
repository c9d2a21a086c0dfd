import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guardLedger } from '../../activities/guarded-ledger.ts';
import { guardStore } from '../../activities/guarded-store.ts';
import type { HeartbeatGuard } from '../../activities/heartbeat-guard.ts';
import { WaybillError } from '../../core/failures.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { Store } from '../../stores/store.ts';

interface Call {
  readonly name: string;
  readonly args: readonly unknown[];
}

/** Anything with methods that only notes what it was asked. */
function createRecorder<T extends object>(names: readonly string[]): { port: T; calls: Call[] } {
  const calls: Call[] = [];
  const methods = names.map((name) => [
    name,
    (...args: unknown[]): Promise<void> => {
      calls.push({ name, args });
      return Promise.resolve();
    },
  ]);
  return { port: Object.fromEntries(methods) as T, calls };
}

function createGuard() {
  const controller = new AbortController();
  let lost = false;
  const assertCurrent = (): void => {
    if (lost) throw new WaybillError('heartbeat_lost', 'too old');
  };
  const guard: HeartbeatGuard = { signal: controller.signal, assertCurrent, assertMayWrite: assertCurrent };
  return { guard, lose: (): void => void (lost = true) };
}

const READS = {
  listBuckets: [],
  headBucket: ['b'],
  list: [{ bucket: 'b' }],
  head: [{ bucket: 'b', key: 'k' }],
  get: [{ bucket: 'b', key: 'k' }],
  grantRead: [{ bucket: 'b', key: 'k' }],
  measureFirstPart: [{ bucket: 'b', key: 'k' }],
  listParts: [{ bucket: 'b', key: 'k', uploadId: 'u' }],
  listUploads: [{ bucket: 'b', prefix: '' }],
  getTags: [{ bucket: 'b', key: 'k' }],
  close: [],
} satisfies Partial<Record<keyof Store, unknown[]>>;
const WRITES = {
  createBucket: ['b'],
  deleteBucket: ['b'],
  put: [
    { bucket: 'b', key: 'k', headers: { metadata: {} } },
    { sizeBytes: 0, content: new Uint8Array() },
  ],
  copy: [{ bucket: 'b', key: 'k', source: { bucket: 'a', key: 'k', ifMatch: 'e' } }],
  copyFrom: [
    { bucket: 'b', key: 'k', grant: { source: '/a/k', onRead: () => undefined }, sourceETag: 'e', withTags: true },
  ],
  delete: [{ bucket: 'b', key: 'k' }],
  createUpload: [{ bucket: 'b', key: 'k', headers: { metadata: {} } }],
  uploadPart: [{ bucket: 'b', key: 'k', uploadId: 'u' }, 1, { sizeBytes: 0, content: new Uint8Array() }],
  copyPart: [
    {
      ...{ bucket: 'b', key: 'k', uploadId: 'u', partNumber: 1 },
      ...{ source: { bucket: 'a', key: 'k', ifMatch: 'e' }, range: { first: 0, last: 0 } },
    },
  ],
  completeUpload: [{ bucket: 'b', key: 'k', uploadId: 'u' }, []],
  abortUpload: [{ bucket: 'b', key: 'k', uploadId: 'u' }],
  putTags: [{ bucket: 'b', key: 'k' }, {}],
} satisfies Partial<Record<keyof Store, unknown[]>>;
// Every operation of the port is in one of the two.
const ALL = { ...READS, ...WRITES } satisfies Record<keyof Store, unknown[]>;

test('without a current heartbeat no operation that writes reaches the store, and all that read do', async () => {
  const { port, calls } = createRecorder<Store>(Object.keys(ALL));
  const { guard, lose } = createGuard();
  const store = guardStore(port, guard) as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
  for (const [name, args] of Object.entries(ALL)) await store[name]?.(...args);
  assert.deepEqual(
    calls.map(({ name }) => name),
    Object.keys(ALL),
  );
  calls.length = 0;
  lose();
  for (const [name, args] of Object.entries(WRITES)) {
    await assert.rejects(async () => store[name]?.(...args), { type: 'heartbeat_lost' }, name);
  }
  assert.deepEqual(calls, []);
  for (const [name, args] of Object.entries(READS)) await store[name]?.(...args);
  assert.equal(calls.length, Object.keys(READS).length);
});

test('every request about an object ends with the execution', async () => {
  const { port, calls } = createRecorder<Store>(Object.keys(ALL));
  const { guard } = createGuard();
  const store = guardStore(port, guard) as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
  for (const [name, args] of Object.entries(ALL)) await store[name]?.(...args);
  for (const { name, args } of calls) {
    if (typeof args[0] === 'object') assert.equal((args[0] as { signal: unknown }).signal, guard.signal, name);
  }
});

const LEDGER_READS = [
  'findIdempotent',
  'loadRun',
  'findRun',
  'listRuns',
  'listAttempts',
  'listLiveAttempts',
  'listObjects',
  'loadAttempt',
  'loadSpec',
  'loadOrigin',
  'loadProgress',
  'readUnordered',
  'readPages',
  'loadManifest',
  'readChunks',
  'readChunkEnds',
  'readDeliveries',
  'readDeliveredText',
  'loadDeliveries',
  'findTarget',
  'loadBatch',
  'loadStep',
  'loadUpload',
  'loadParts',
  'listOpenUploads',
  'ping',
  'close',
] as const satisfies readonly (keyof Ledger)[];
const LEDGER_WRITES = [
  'beginAttempt',
  'setState',
  'dropOutcomes',
  'endAttempt',
  'saveVerification',
  'openListing',
  'saveRanges',
  'resetListing',
  'saveUnordered',
  'saveChunk',
  'saveManifest',
  'saveBatches',
  'savePlanHash',
  'claimStep',
  'commitStep',
  'releaseStep',
  'saveEffects',
  'openUpload',
  'saveParts',
  'closeUpload',
  'forgetUpload',
] as const satisfies readonly (keyof Ledger)[];
/** Not an activity's to call under a guard. */
type Others = 'accept' | 'settleDeadAttempt' | 'audit' | 'condemnUpload' | 'prune';
// A method that is added to the port must be sorted into one of the lists.
type Unsorted = Exclude<keyof Ledger, (typeof LEDGER_READS)[number] | (typeof LEDGER_WRITES)[number] | Others>;
const NONE: [Unsorted] extends [never] ? true : false = true;

test('without a current heartbeat no call that writes reaches the ledger, and all that read do', async () => {
  assert.equal(NONE, true);
  const { port, calls } = createRecorder<Ledger>([...LEDGER_READS, ...LEDGER_WRITES]);
  const { guard, lose } = createGuard();
  const ledger = guardLedger(port, guard) as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
  lose();
  for (const name of LEDGER_WRITES) {
    await assert.rejects(async () => ledger[name]?.('fence'), { type: 'heartbeat_lost' }, name);
  }
  assert.deepEqual(calls, []);
  for (const name of LEDGER_READS) await ledger[name]?.('key');
  assert.deepEqual(
    calls.map(({ name }) => name),
    LEDGER_READS,
  );
});
