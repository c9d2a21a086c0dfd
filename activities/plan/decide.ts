/**
 * The plan's decision about one target key, from what the manifest, the ledger and the target's listing say of it. Pure and total.
 *
 * | manifest | ledger | target | decision |
 * |---|---|---|---|
 * | yes | any | absent | copy; repair where the ledger has this very source version |
 * | yes | this source version | the delivery's etag | skip |
 * | yes | this source version | another etag | adopt where it equals the source, else repair |
 * | yes | another version | any | adopt where it equals the source, else copy over it: the key is ours |
 * | yes | none | present | adopt where it equals the source, else by `overwrite`: refuse or copy over it |
 * | no | any | present | orphan |
 * | no | yes | absent | nothing: it is gone on both sides |
 * | yes, without an ETag | any | any | refuse: neither the version that is read nor a change of it could be told |
 */
import type { OutcomeCode } from '../../core/outcomes.ts';
import type { Overwrite } from '../../core/pipeline.ts';
import type { DeliveryRecord } from '../../ledger/ledger.ts';
import type { Descriptor } from '../../manifest/descriptor.ts';
import type { ListedObject } from '../../stores/store.ts';
import type { Action, Expected } from './action.ts';
import { proveSameBytes } from './same-bytes.ts';

export type Decision =
  | { readonly kind: 'act'; readonly action: Action }
  | { readonly kind: 'skip' }
  | { readonly kind: 'refuse'; readonly code: OutcomeCode; readonly detail: string }
  | { readonly kind: 'orphan' }
  | { readonly kind: 'nothing' }
  /** Sizes agree and the listings cannot say whether the objects do: metadata may. `otherwise` is the decision when it does not. */
  | { readonly kind: 'ask'; readonly otherwise: Decision };

export interface Seen {
  readonly source: Descriptor | undefined;
  readonly delivery: DeliveryRecord | undefined;
  /** Undefined where the target does not hold the key, or was not listed. */
  readonly target: ListedObject | undefined;
}

export interface DecideOptions {
  readonly overwrite: Overwrite;
  readonly targetListed: boolean;
  /** True where the plain ETags of both stores are MD5s of the bytes, so that equal ones prove equal bytes. */
  readonly etagsAreHashes: boolean;
  /** The pipeline asks for an encryption, which a listing does not show. */
  readonly encrypted: boolean;
}

const CONFLICT: Decision = {
  kind: 'refuse',
  code: 'target_conflict',
  detail: "somebody else's object stands at the target",
};

/** Of a gateway in front of files that it did not write, or that computes no hash (versitygw, rclone's `serve s3`). */
const UNPINNABLE: Decision = {
  kind: 'refuse',
  code: 'store_error',
  detail: 'the store tells no ETag of the object, so a change of its bytes could not be noticed',
};

export function decide(seen: Seen, options: DecideOptions): Decision {
  const { source, delivery, target } = seen;
  if (source === undefined) return { kind: target === undefined ? 'nothing' : 'orphan' };
  if (isEmptyETag(source.etag)) return UNPINNABLE;
  const delivered =
    delivery !== undefined &&
    delivery.sourceEtag === source.etag &&
    delivery.sizeBytes === source.sizeBytes &&
    delivery.sourceVersion === (source.versionId ?? null);

  if (!options.targetListed) {
    if (delivered) return { kind: 'skip' };
    return copy(source, 'copy', delivery === undefined ? { unknown: true } : { etag: delivery.targetEtag });
  }
  if (target === undefined) return copy(source, delivered ? 'repair' : 'copy', { absent: true });
  if (delivered && target.etag === delivery.targetEtag && target.sizeBytes === delivery.sizeBytes)
    return { kind: 'skip' };

  const over = copy(source, delivered ? 'repair' : 'copy', { etag: target.etag });
  const otherwise: Decision = delivery !== undefined || options.overwrite === 'always' ? over : CONFLICT;
  if (target.sizeBytes !== source.sizeBytes) return otherwise;
  if (!options.etagsAreHashes || options.encrypted) return { kind: 'ask', otherwise };
  if (proveSameBytes(source.etag, target.etag)) return adopt(source, target.etag, `etag:${target.etag}`);
  return isMultipart(source.etag) || isMultipart(target.etag) ? { kind: 'ask', otherwise } : otherwise;
}

export function adopt(source: Descriptor, targetEtag: string, checksum: string): Decision {
  const { key, sizeBytes, etag } = source;
  return { kind: 'act', action: { op: 'adopt', key, sizeBytes, etag, targetEtag, checksum } };
}

/** Writes over what stands there, on the condition that it is still that. */
export const copyOver = (source: Descriptor, targetEtag: string): Decision =>
  copy(source, 'copy', { etag: targetEtag });

function copy(source: Descriptor, op: 'copy' | 'repair', expected: Expected): Decision {
  const { key, sizeBytes, etag } = source;
  return { kind: 'act', action: { op, key, sizeBytes, etag, expected } };
}

const isEmptyETag = (etag: string): boolean => etag === '' || etag === '""';

/** The ETag of a multipart upload depends on where its parts were cut, so it cannot be compared with another. */
const isMultipart = (etag: string): boolean => /-[0-9]+$/.test(etag);
