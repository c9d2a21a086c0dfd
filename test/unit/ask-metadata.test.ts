/** What metadata may say of bytes that the listings cannot compare: an MD5 that outlived its bytes adopts nothing. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { InFlightLimit } from '../../activities/list/in-flight-limit.ts';
import { askMetadata, type Question } from '../../activities/plan/ask-metadata.ts';
import { copyOver, type Decision } from '../../activities/plan/decide.ts';
import type { Patience } from '../../activities/request-patiently.ts';
import { WaybillError } from '../../core/failures.ts';
import type { PipelineSpec } from '../../core/pipeline.ts';
import type { Descriptor } from '../../manifest/descriptor.ts';
import { createMemoryStore } from '../../stores/memory/create-memory-store.ts';
import type { Store } from '../../stores/store.ts';

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
const label = (text: string): { md5: string } => ({ md5: Buffer.from(md5(text), 'hex').toString('base64') });

interface Stands {
  readonly text: string;
  /** Of which text the metadata tells the MD5. */
  readonly labelled?: string;
  /** Put whole: its ETag is the MD5 of its bytes. */
  readonly isWhole?: boolean;
}

async function put(store: Store, bucket: string, { text, labelled, isWhole }: Stands): Promise<string> {
  const request = { bucket, key: 'key', headers: { metadata: labelled === undefined ? {} : label(labelled) } };
  const body = { sizeBytes: text.length, content: Buffer.from(text) };
  if (isWhole === true) return (await store.put(request, body)).etag;
  const upload = { ...request, ...(await store.createUpload(request)) };
  return (await store.completeUpload(upload, [{ partNumber: 1, ...(await store.uploadPart(upload, 1, body)) }])).etag;
}

const createPatience = (): Patience => ({
  limit: new InFlightLimit({ max: 64 }),
  signal: new AbortController().signal,
  isOver: () => false,
});

interface Delivered {
  readonly checksum: string;
  /** The target is not what was delivered. */
  readonly isAsDelivered?: false;
  /** The source is what was delivered. */
  readonly isOfSource?: true;
}

/** `former`: what the ledger has of the source as it was before, where the target is still what was delivered then. */
async function ask(from: Stands, held: Stands, former?: Delivered) {
  const [source, target] = [createMemoryStore(), createMemoryStore()];
  await source.createBucket('source');
  await target.createBucket('target');
  const etag = await put(source, 'source', from);
  const targetEtag = await put(target, 'target', held);
  const descriptor = { key: 'key', sizeBytes: from.text.length, etag } as Descriptor;
  const b = former && {
    checksum: former.checksum,
    sourceEtag: former.isOfSource === true ? etag : 'of-before-2',
    targetEtag: former.isAsDelivered === false ? 'of-before-2' : targetEtag,
  };
  const items: Question[] = [{ key: 'key', a: { descriptor }, b }];
  const decisions: Decision[] = [{ kind: 'ask', otherwise: copyOver(descriptor, targetEtag) }];
  const spec = {
    source: { bucket: 'source' },
    target: { bucket: 'target', encryption: null },
  } as unknown as PipelineSpec;
  await askMetadata({ items, decisions, spec, source, target, patience: createPatience() });
  const [decision] = decisions;
  return decision?.kind === 'act' ? decision.action.op : decision?.kind;
}

const OLD = 'bytes as before';
const NEW = 'bytes after now';

test('where the ledger knows nothing, an MD5 that both sides tell is believed', async () => {
  assert.equal(await ask({ text: OLD, labelled: OLD }, { text: OLD, labelled: OLD, isWhole: true }), 'adopt');
  assert.equal(await ask({ text: OLD, isWhole: true }, { text: OLD, labelled: OLD }), 'adopt');
  assert.equal(await ask({ text: OLD, labelled: OLD }, { text: NEW, isWhole: true }), 'copy');
});

test('a source that changed and kept its metadata is copied, whatever MD5 that tells', async () => {
  const former = { checksum: `md5:${md5(OLD)}` };
  assert.equal(await ask({ text: NEW, labelled: OLD }, { text: OLD, labelled: OLD }, former), 'copy');
  assert.equal(await ask({ text: NEW, labelled: OLD }, { text: OLD, labelled: OLD }, { checksum: 'etag:x-2' }), 'copy');
  // A target whose ETag is the MD5 of its bytes says of itself what the label says of the source: also then.
  const whole = { text: OLD, isWhole: true };
  assert.equal(await ask({ text: NEW, labelled: OLD }, whole, former), 'copy');
  // Nor does a label that was wrong from the start, and that the copy has too, say of a source what stands at the target.
  assert.equal(await ask({ text: OLD, isWhole: true }, { text: NEW, labelled: OLD }, { checksum: 'etag:x-2' }), 'copy');
  assert.equal(
    await ask({ text: OLD, isWhole: true }, { text: NEW, labelled: OLD }, { checksum: `md5:${md5(NEW)}` }),
    'copy',
  );
});

test('a source that was put anew, whole, with the bytes that were delivered is adopted by what was proved of them', async () => {
  assert.equal(await ask({ text: OLD, isWhole: true }, { text: OLD }, { checksum: `md5:${md5(OLD)}` }), 'adopt');
  const other = { checksum: `md5:${md5(NEW)}`, isAsDelivered: false } as const;
  assert.equal(await ask({ text: OLD, isWhole: true }, { text: OLD, labelled: OLD }, other), 'adopt');
});

test('a target that was changed and kept the MD5 that we put there is copied over', async () => {
  const checksum = `md5:${md5(OLD)}`;
  const changed = { checksum, isAsDelivered: false } as const;
  const held = { text: NEW, labelled: OLD };
  assert.equal(await ask({ text: OLD, labelled: OLD }, held, { ...changed, isOfSource: true }), 'copy');
  assert.equal(await ask({ text: OLD, isWhole: true }, held, { ...changed, isOfSource: true }), 'copy');
  assert.equal(await ask({ text: OLD, isWhole: true }, held, changed), 'copy');
  // Its bytes may say it all the same.
  const whole = { text: OLD, isWhole: true };
  assert.equal(await ask({ text: OLD, labelled: OLD }, whole, { ...changed, isOfSource: true }), 'adopt');
});

/** Asks of 200 objects that stand at both sides, over stores whose HEADs fail as said. */
async function askMany(failWith: (nth: number) => WaybillError | null) {
  const store = createMemoryStore();
  await store.createBucket('both');
  const keys = Array.from({ length: 200 }, (_, n) => `key-${String(n)}`);
  const put = (key: string) =>
    store.put({ bucket: 'both', key, headers: { metadata: {} } }, { sizeBytes: 1, content: Buffer.from('x') });
  const etags = await Promise.all(keys.map(async (key) => (await put(key)).etag));
  let heads = 0;
  let inFlight = 0;
  let most = 0;
  const counting: Store = {
    ...store,
    async head(request) {
      const failure = failWith((heads += 1));
      most = Math.max(most, (inFlight += 1));
      await new Promise(setImmediate);
      inFlight -= 1;
      if (failure !== null) throw failure;
      return store.head(request);
    },
  };
  const items = keys.map((key, n): Question => ({
    key,
    a: { descriptor: { key, sizeBytes: 1, etag: etags[n] } as Descriptor },
    b: undefined,
  }));
  const decisions: Decision[] = items.map(({ a }) => ({
    kind: 'ask',
    otherwise: copyOver(a?.descriptor as Descriptor, 'x'),
  }));
  const spec = { source: { bucket: 'both' }, target: { bucket: 'both', encryption: null } } as unknown as PipelineSpec;
  const asked = askMetadata({ items, decisions, spec, source: counting, target: counting, patience: createPatience() });
  const error = await asked.then(
    () => null,
    (failure: unknown) => failure,
  );
  const adopted = decisions.filter((decision) => decision.kind === 'act' && decision.action.op === 'adopt').length;
  return { error, adopted, heads, most, inFlight };
}

test('a question that a store does not answer at once is asked again, and does not cost the plan', async () => {
  const refused = await askMany((nth) =>
    nth % 10 === 0 ? new WaybillError('store_slow_down', 'slow down', {}, { retryAfterMs: 1 }) : null,
  );
  assert.equal(refused.error, null);
  assert.equal(refused.adopted, 200);
  assert.ok(refused.heads > 400);
});

test('as many are asked about at once as the plan has found that the stores bear, and none after a failure that lasts', async () => {
  const asked = await askMany(() => null);
  assert.deepEqual([asked.error, asked.adopted, asked.heads], [null, 200, 400]);
  assert.equal(asked.most, 8);
  const failed = await askMany((nth) => (nth === 30 ? new WaybillError('invalid_config', 'no') : null));
  assert.match(String(failed.error), /no/);
  assert.equal(failed.inFlight, 0);
  assert.ok(failed.heads < 60, String(failed.heads));
});
