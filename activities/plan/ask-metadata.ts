/**
 * Where sizes agree and an ETag is a multipart one, the recorded MD5 may prove that source and target hold the same bytes. At most two
 * HEADs an object, and only for objects that the ledger does not know.
 */
import { isWaybillError } from '../../core/failures.ts';
import type { PipelineSpec } from '../../core/pipeline.ts';
import type { Descriptor } from '../../manifest/descriptor.ts';
import type { Store } from '../../stores/store.ts';
import { isMd5Hex, toContentMd5 } from './content-md5.ts';
import { adopt, type Decision } from './decide.ts';

export interface Questions {
  readonly items: readonly { readonly key: string; readonly a: { readonly descriptor: Descriptor } | undefined }[];
  /** Every `ask` is replaced by its answer. */
  readonly decisions: Decision[];
  readonly spec: PipelineSpec;
  readonly source: Store;
  readonly target: Store;
}

/** HEADs in flight at once. */
const CONCURRENCY = 16;

export async function askMetadata(questions: Questions): Promise<void> {
  const { items, decisions } = questions;
  const open = decisions.flatMap((decision, index) => (decision.kind === 'ask' ? [index] : []));
  const workers = Array.from({ length: Math.min(CONCURRENCY, open.length) }, async () => {
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      const decision = decisions[index];
      const item = items[index];
      if (decision?.kind !== 'ask' || item?.a === undefined) continue;
      decisions[index] = (await answer(questions, item.key, item.a.descriptor)) ?? decision.otherwise;
    }
  });
  await Promise.all(workers);
}

/** The adoption, or null when nothing proves that the bytes are the same. */
async function answer(questions: Questions, targetKey: string, descriptor: Descriptor): Promise<Decision | null> {
  const { spec, source, target } = questions;
  try {
    const held = await target.head({ bucket: spec.target.bucket, key: targetKey });
    const targetMd5 = toContentMd5(held);
    if (targetMd5 === null || held.sizeBytes !== descriptor.sizeBytes) return null;
    const sourceMd5 = isMd5Hex(descriptor.etag)
      ? descriptor.etag
      : toContentMd5(await source.head({ bucket: spec.source.bucket, key: descriptor.key, ifMatch: descriptor.etag }));
    return sourceMd5 === targetMd5 ? adopt(descriptor, held.etag, `md5:${targetMd5}`) : null;
  } catch (error) {
    // Gone or changed since it was listed: the copy finds out, and says so.
    if (isWaybillError(error) && (error.type === 'no_such_key' || error.type === 'precondition_failed')) return null;
    throw error;
  }
}
