/**
 * The checksum of an object that is made of parts. COMPOSITE is the hash over the parts' digests in a row, with `-N` behind it;
 * FULL_OBJECT is that of all bytes, which only CRCs can be without reading them again.
 * Source: AWS, "Checking object integrity in Amazon S3", "Full object and composite checksum types".
 */
import { isCrc, type ChecksumAlgorithm, type ChecksumType, type ObjectChecksum } from '../../core/checksums.ts';
import type { CompleteUploadRequest, PartChecksum, UploadChecksum } from '../store.ts';
import { DEFAULT_CHECKSUM, toFullChecksum, wrongAlgorithm } from './body-checksum.ts';
import { computeChecksum } from './checksum-hash.ts';
import { combineCrc } from './combine-crc.ts';
import { refused } from './refusals.ts';

/** Of the CRCs, CRC64NVME has the full type only; every other hash has the composite type only. */
export const isPossibleType = (algorithm: ChecksumAlgorithm, type: ChecksumType): boolean =>
  type === 'FULL_OBJECT' ? isCrc(algorithm) : algorithm !== 'CRC64NVME';

/** @throws store_refused with s3Code InvalidRequest */
export function checkUploadChecksum(checksum: UploadChecksum | undefined): void {
  if (checksum !== undefined && !isPossibleType(checksum.algorithm, checksum.type)) {
    throw refused(
      'InvalidRequest',
      400,
      `The ${checksum.type} checksum type cannot be used with the ${checksum.algorithm.toLowerCase()} checksum algorithm.`,
    );
  }
}

export interface SummedPart {
  readonly sizeBytes: number;
  readonly checksum?: PartChecksum;
}

/** @param named by the upload. @returns undefined when a part has none, which only parts from before there were checksums have */
export async function buildMultipartChecksum(
  named: UploadChecksum | undefined,
  parts: readonly SummedPart[],
): Promise<ObjectChecksum | undefined> {
  const { algorithm, type } = named ?? DEFAULT_CHECKSUM;
  const digests: { digest: Uint8Array; sizeBytes: number }[] = [];
  for (const { checksum, sizeBytes } of parts) {
    if (checksum?.algorithm !== algorithm) {
      return undefined;
    }
    digests.push({ digest: Buffer.from(checksum.value, 'base64'), sizeBytes });
  }
  if (type === 'FULL_OBJECT') {
    if (!isCrc(algorithm)) {
      return undefined;
    }
    const whole = digests.reduce((before, { digest, sizeBytes }) => ({
      digest: combineCrc(algorithm, before.digest, digest, sizeBytes),
      sizeBytes: before.sizeBytes + sizeBytes,
    }));
    return toFullChecksum(algorithm, whole.digest);
  }
  const digest = await computeChecksum(algorithm, Buffer.concat(digests.map((each) => each.digest)));
  const value = `${Buffer.from(digest).toString('base64')}-${String(parts.length)}`;
  return { algorithm, type, value };
}

/**
 * What a completion says of the whole object, against what it is.
 * @throws store_refused with s3Code InvalidRequest (another size, another algorithm), BadDigest
 */
export function checkCompletion(
  request: Pick<CompleteUploadRequest, 'checksum' | 'sizeBytes'>,
  sizeBytes: number,
  checksum: ObjectChecksum | undefined,
): void {
  if (request.sizeBytes !== undefined && request.sizeBytes !== sizeBytes) {
    throw refused(
      'InvalidRequest',
      400,
      `The provided 'x-amz-mp-object-size' header value ${String(request.sizeBytes)} does not match what was computed: ${String(sizeBytes)}`,
      { expectedBytes: request.sizeBytes, sizeBytes },
    );
  }
  if (request.checksum === undefined) {
    return;
  }
  const { algorithm, value } = request.checksum;
  if (checksum !== undefined && checksum.algorithm !== algorithm) {
    throw wrongAlgorithm(checksum.algorithm, algorithm);
  }
  // A composite value is sent with or without the number of its parts.
  if (checksum === undefined || (value !== checksum.value && value !== checksum.value.replace(/-\d+$/, ''))) {
    throw refused('BadDigest', 400, `The ${algorithm} you specified did not match the calculated checksum.`);
  }
}
