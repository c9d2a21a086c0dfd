/**
 * Which checksum a store of our own keeps for the bytes of one request. S3 keeps one for every object since 2025: the one that the
 * request brings, else a CRC64NVME that it computes itself. The parts of an upload all have one of the upload's algorithm.
 * Source: AWS, "Checking object integrity for data uploads in Amazon S3".
 */
import type { ChecksumAlgorithm, ObjectChecksum } from '../../core/checksums.ts';
import type { Body, UploadChecksum } from '../store.ts';
import { refused } from './refusals.ts';

export const DEFAULT_CHECKSUM: UploadChecksum = { algorithm: 'CRC64NVME', type: 'FULL_OBJECT' };

export interface ChecksumRule {
  /** Of what the store computes where the body brings nothing. */
  readonly algorithm: ChecksumAlgorithm;
  /**
   * What happens to a checksum of another algorithm. `kept`: it is the one (a single PUT). `refused`: the upload has named its
   * algorithm. `beside`: the upload named none, so the default is computed too, or its parts would not combine.
   */
  readonly others: 'kept' | 'refused' | 'beside';
}

export const PUT_RULE: ChecksumRule = { algorithm: DEFAULT_CHECKSUM.algorithm, others: 'kept' };

export const toPartRule = (named: UploadChecksum | undefined): ChecksumRule =>
  named === undefined
    ? { algorithm: DEFAULT_CHECKSUM.algorithm, others: 'beside' }
    : { algorithm: named.algorithm, others: 'refused' };

/** Whether the checksum is computed while the bytes pass. */
export const isComputed = (body: Body, rule: ChecksumRule): boolean =>
  body.checksum === undefined || rule.others === 'beside';

export interface BodyChecksums {
  /** Undefined: the body promised one and brought none after all, so it has to be computed from what was written. */
  readonly kept: ObjectChecksum | undefined;
  /** The one that the body brought, where that is not the kept one. */
  readonly beside: ObjectChecksum | undefined;
}

/** @param digest what was computed, if anything. @throws store_refused with s3Code InvalidRequest */
export function chooseChecksums(
  rule: ChecksumRule,
  brought: ObjectChecksum | undefined,
  digest: Uint8Array | undefined,
): BodyChecksums {
  if (brought !== undefined) checkAlgorithm(rule, brought.algorithm);
  if (digest === undefined) {
    return { kept: brought, beside: undefined };
  }
  const beside = brought?.algorithm === rule.algorithm ? undefined : brought;
  return { kept: toFullChecksum(rule.algorithm, digest), beside };
}

/** @throws store_refused with s3Code InvalidRequest */
export function checkAlgorithm(rule: ChecksumRule, brought: ChecksumAlgorithm): void {
  if (rule.others === 'refused' && brought !== rule.algorithm) throw wrongAlgorithm(rule.algorithm, brought);
}

export const toFullChecksum = (algorithm: ChecksumAlgorithm, digest: Uint8Array): ObjectChecksum => ({
  algorithm,
  type: 'FULL_OBJECT',
  value: Buffer.from(digest).toString('base64'),
});

export const wrongAlgorithm = (expected: ChecksumAlgorithm, actual: ChecksumAlgorithm): Error =>
  refused(
    'InvalidRequest',
    400,
    `Checksum Type mismatch occurred, expected checksum Type: ${expected}, actual checksum Type: ${actual}`,
  );
