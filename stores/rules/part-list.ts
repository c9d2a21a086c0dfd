/** The list of parts that completes a multipart upload. Source: Amazon S3 API reference, CompleteMultipartUpload. */
import { PARTS_MAX, PART_BYTES_MIN } from '../../core/limits.ts';
import type { CompletedPart, PartChecksum, UploadChecksum, UploadedPart } from '../store.ts';
import { refused } from './refusals.ts';

/** ETags arrive from XML with or without their quotes. */
const unquote = (etag: string): string => (/^".*"$/.test(etag) ? etag.slice(1, -1) : etag);

/** @throws store_refused with s3Code InvalidArgument */
export function checkPartNumber(partNumber: number): void {
  if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > PARTS_MAX) {
    throw refused('InvalidArgument', 400, `a part number is 1 to ${String(PARTS_MAX)}`, { partNumber });
  }
}

/** Unquoted, and in ascending order without repeats. @throws store_refused with s3Code MalformedXML, InvalidPartOrder */
export function toNamedParts(parts: readonly CompletedPart[]): readonly CompletedPart[] {
  if (parts.length === 0) {
    throw refused('MalformedXML', 400, 'completing an upload takes at least one part');
  }
  let previous = 0;
  return parts.map((part) => {
    const { partNumber, etag } = part;
    if (!(partNumber > previous)) {
      throw refused('InvalidPartOrder', 400, 'the parts are not in ascending order', { partNumber });
    }
    previous = partNumber;
    return { ...part, etag: unquote(etag) };
  });
}

/** A part with the checksum that it brought, where that is not of the upload's algorithm. */
export interface StoredPart extends UploadedPart {
  readonly beside?: PartChecksum;
}

/**
 * The uploaded parts that the list names, in its order.
 * @throws store_refused with s3Code InvalidPart (absent, another ETag or checksum), EntityTooSmall (below 5 MiB, and not the last)
 */
export function chooseParts<Part extends StoredPart>(
  named: readonly CompletedPart[],
  uploaded: (partNumber: number) => Part | undefined,
): Part[] {
  const chosen = named.map(({ partNumber, etag, checksum }) => {
    const part = uploaded(partNumber);
    if (part?.etag !== etag || (checksum !== undefined && !hasChecksum(part, checksum))) {
      throw refused('InvalidPart', 400, 'a part was not uploaded, or has another ETag or checksum', { partNumber });
    }
    return part;
  });
  for (const part of chosen.slice(0, -1)) {
    if (part.sizeBytes < PART_BYTES_MIN) {
      throw refused('EntityTooSmall', 400, 'a part other than the last is below 5 MiB', {
        partNumber: part.partNumber,
        sizeBytes: part.sizeBytes,
      });
    }
  }
  return chosen;
}

/**
 * What the finished object keeps of its parts. Their checksums only where the upload named an algorithm: S3 tells no others of the
 * parts of an object, and the default one is our own means to come to the object's.
 */
export const toKeptParts = <Part extends UploadedPart>(
  upload: UploadChecksum | undefined,
  parts: readonly Part[],
): readonly (Omit<Part, 'checksum'> & Pick<UploadedPart, 'checksum'>)[] =>
  upload === undefined ? parts.map(({ checksum: _checksum, ...part }) => part) : parts;

const hasChecksum = ({ checksum, beside }: StoredPart, { algorithm, value }: PartChecksum): boolean =>
  [checksum, beside].some((each) => each?.algorithm === algorithm && each.value === value);
