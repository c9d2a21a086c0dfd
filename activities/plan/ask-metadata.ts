/**
 * Where sizes agree and the listings cannot say whether the bytes do (a multipart ETag, one that is no hash, a wanted encryption), the
 * objects' own metadata may. Two HEADs an object, and only for objects that the ledger does not know as they are.
 *
 * An MD5 in metadata is the word of whoever wrote it, and may outlive the bytes that it was true of: a tool that changes an object and
 * keeps its metadata says of the new bytes what was so of the old. So where the ledger knows that the source has changed, its metadata
 * proves nothing, and what stands at the target is what the ledger proved when it was delivered. Nor does the metadata of a target
 * that is not the one that was delivered: whoever changed it may have kept the MD5 that we put there.
 */
import { isWaybillError, type FailureType } from '../../core/failures.ts';
import type { PipelineSpec } from '../../core/pipeline.ts';
import type { DeliveryRecord } from '../../ledger/ledger.ts';
import type { Descriptor } from '../../manifest/descriptor.ts';
import type { ObjectInfo, ObjectRequest, Store } from '../../stores/store.ts';
import { requestPatiently, type Patience } from '../request-patiently.ts';
import { toContentMd5 } from './content-md5.ts';
import { adopt, copyOver, type Decision } from './decide.ts';
import { proveSameBytes } from './same-bytes.ts';

export interface Question {
  readonly key: string;
  readonly a: { readonly descriptor: Descriptor } | undefined;
  /** What the ledger knows. */
  readonly b: Known | undefined;
}

type Known = Pick<DeliveryRecord, 'sourceEtag' | 'targetEtag' | 'checksum'>;

export interface Questions {
  readonly items: readonly Question[];
  /** Every `ask` is replaced by its answer. */
  readonly decisions: Decision[];
  readonly spec: PipelineSpec;
  readonly source: Store;
  readonly target: Store;
  /** Of the whole plan: its limit is how many objects are asked about at once. */
  readonly patience: Patience;
}

const UNANSWERED: readonly FailureType[] = ['no_such_key', 'precondition_failed', 'access_denied'];
/** HEADs in flight at once, where the stores bear them: as many as a process has connections. */
export const METADATA_IN_FLIGHT_MAX = 64;

/** @throws what a store answers in the end; nothing more is asked then */
export async function askMetadata(questions: Questions): Promise<void> {
  const { items, decisions, patience } = questions;
  const open = decisions.flatMap((decision, index) => (decision.kind === 'ask' ? [index] : []));
  const askOpen = async (): Promise<void> => {
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      const decision = decisions[index];
      const item = items[index];
      if (decision?.kind !== 'ask' || item?.a === undefined) continue;
      decisions[index] = (await answer(questions, item.key, item.a.descriptor, item.b)) ?? decision.otherwise;
    }
  };
  const workers = Array.from({ length: Math.min(patience.limit.current, open.length) }, askOpen);
  await Promise.all(workers).catch(async (error: unknown) => {
    open.length = 0;
    await Promise.allSettled(workers);
    throw error;
  });
}

/**
 * The adoption; where the bytes are the same and their encryption is not the wanted one, the copy that encrypts them, which loses
 * nothing whoever put them there; null when nothing proves that the bytes are the same.
 */
async function answer(
  questions: Questions,
  targetKey: string,
  descriptor: Descriptor,
  known: Known | undefined,
): Promise<Decision | null> {
  const { spec, source, target, patience } = questions;
  const head = (store: Store, request: ObjectRequest): Promise<ObjectInfo> =>
    requestPatiently(() => store.head(request), patience);
  try {
    const held = await head(target, { bucket: spec.target.bucket, key: targetKey });
    if (held.sizeBytes !== descriptor.sizeBytes) return null;
    const from = await head(source, { bucket: spec.source.bucket, key: descriptor.key, ifMatch: descriptor.etag });
    const checksum = proveByContent(from, held, known, known !== undefined && known.sourceEtag !== descriptor.etag);
    if (checksum === null) return null;
    return isEncryptedAs(spec, held) ? adopt(descriptor, held.etag, checksum) : copyOver(descriptor, held.etag);
  } catch (error) {
    // Gone, changed or denied: the copy finds out, and says so of this object.
    if (isWaybillError(error) && UNANSWERED.includes(error.type)) return null;
    throw error;
  }
}

/** What proves that both hold the same bytes, or null. `hasChanged`: the ledger knows another version of the source. */
function proveByContent(
  from: ObjectInfo,
  held: ObjectInfo,
  known: Known | undefined,
  hasChanged: boolean,
): string | null {
  const fromMd5 = toContentMd5(hasChanged ? withoutMetadata(from) : from);
  const heldMd5 = toHeldMd5(held, known, hasChanged);
  if (fromMd5 !== null && heldMd5 !== null) return fromMd5 === heldMd5 ? `md5:${heldMd5}` : null;
  const areHashes = from.etagIsContentHash && held.etagIsContentHash;
  return areHashes && proveSameBytes(from.etag, held.etag) ? `etag:${held.etag}` : null;
}

function toHeldMd5(held: ObjectInfo, known: Known | undefined, hasChanged: boolean): string | null {
  if (known === undefined) return toContentMd5(held);
  const isAsDelivered = held.etag === known.targetEtag;
  return toContentMd5(withoutMetadata(held)) ?? (isAsDelivered && hasChanged ? toProvedMd5(known) : null);
}

const withoutMetadata = (info: ObjectInfo): ObjectInfo => ({ ...info, metadata: {} });

const toProvedMd5 = ({ checksum }: Known): string | null => /^md5:([0-9a-f]{32})$/.exec(checksum)?.[1] ?? null;

function isEncryptedAs(spec: PipelineSpec, held: ObjectInfo): boolean {
  const wanted = spec.target.encryption;
  if (wanted === null) return true;
  if (held.encryption?.algorithm !== wanted.algorithm) return false;
  // S3 answers with the key's ARN, whatever name it was asked for.
  const heldKey = held.encryption.kmsKeyId;
  return wanted.kmsKeyId === null || heldKey === wanted.kmsKeyId || (heldKey?.endsWith(`/${wanted.kmsKeyId}`) ?? false);
}
