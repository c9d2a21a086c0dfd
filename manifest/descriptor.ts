/**
 * One object of a manifest: what identifies the bytes that a source holds under a key, and nothing that varies between retries or
 * providers (no timestamp, storage class or owner).
 */
import type { ETag } from '../core/ids.ts';
import { compareUtf8 } from '../core/utf8-order.ts';

export interface Descriptor {
  readonly bucket: string;
  /** As `normaliseEtag` leaves it. */
  readonly etag: ETag;
  readonly key: string;
  /** An integer from 0 to 2^53 - 1; `size` in the manifest. */
  readonly sizeBytes: number;
  /** Only where versions are listed; `version_id` in the manifest. */
  readonly versionId?: string;
}

/** The order of a manifest: bucket, then key, then version id with the absent one first, each by its UTF-8 bytes. */
export function compareDescriptors(a: Descriptor, b: Descriptor): number {
  return (
    (a.bucket === b.bucket ? 0 : compareUtf8(a.bucket, b.bucket)) ||
    compareUtf8(a.key, b.key) ||
    compareVersions(a.versionId, b.versionId)
  );
}

function compareVersions(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  return compareUtf8(a, b);
}
