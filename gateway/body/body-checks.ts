/** Holds the bytes of a body, without framing, to what the head promised: length, SHA-256, Content-MD5, checksum. */
import { createHash, timingSafeEqual, type Hash } from 'node:crypto';
import { checksumHeader } from '../../core/checksums.ts';
import type { WaybillError } from '../../core/failures.ts';
import { equalConstantTime } from '../../sigv4/constant-time.ts';
import { acquireChecksumHash, type ChecksumHash } from '../../stores/rules/checksum-hash.ts';
import { refuse } from '../answer/s3-error.ts';
import { isChecksum } from './find-checksum.ts';
import { EMPTY_SHA256, type BodyPlan } from './plan-body.ts';

export class BodyChecks {
  readonly #plan: BodyPlan;
  /** From the first byte on: of most requests none comes, and a hash of nothing costs as much as a short one. */
  #sha256: Hash | null = null;
  readonly #md5: Hash | null;
  readonly #checksum: ChecksumHash | null;
  #lengthBytes = 0;

  private constructor(plan: BodyPlan, checksum: ChecksumHash | null) {
    this.#plan = plan;
    this.#md5 = plan.md5 === null ? null : createHash('md5');
    this.#checksum = checksum;
  }

  /** To be released when the request is over. */
  static async create(plan: BodyPlan): Promise<BodyChecks> {
    return new BodyChecks(plan, plan.checksum === null ? null : await acquireChecksumHash(plan.checksum.algorithm));
  }

  /** Null while the body holds what was promised of its length. */
  update(bytes: Uint8Array): WaybillError | null {
    this.#lengthBytes += bytes.length;
    if (this.#lengthBytes > this.#plan.lengthBytes) {
      return refuse('IncompleteBody', 'The body is longer than was promised.');
    }
    if (this.#plan.sha256 !== null) (this.#sha256 ??= createHash('sha256')).update(bytes);
    this.#md5?.update(bytes);
    this.#checksum?.update(bytes);
    return null;
  }

  /** @param trailerValue of the announced trailer */
  judge(trailerValue: string): WaybillError | null {
    const { lengthBytes, sha256, md5, checksum } = this.#plan;
    if (this.#lengthBytes !== lengthBytes) return refuse('IncompleteBody');
    if (sha256 !== null) {
      const ourSha256 = this.#sha256?.digest('hex') ?? EMPTY_SHA256;
      if (!equalConstantTime(ourSha256, sha256))
        return refuse('XAmzContentSHA256Mismatch', undefined, { clientSha256: sha256, ourSha256 });
    }
    const ourMd5 = this.#md5?.digest() ?? null;
    if (ourMd5 !== null && md5 !== null && !holds(ourMd5, md5)) {
      const expectedDigest = Buffer.from(md5).toString('hex');
      return refuse('BadDigest', undefined, { expectedDigest, calculatedDigest: ourMd5.toString('base64') });
    }
    if (this.#checksum === null || checksum === null) return null;
    const { algorithm, from } = checksum;
    const value = from === 'header' ? checksum.value : trailerValue;
    if (!isChecksum(value, algorithm)) {
      return refuse('InvalidRequest', `Value for ${checksumHeader(algorithm)} trailing header is invalid.`);
    }
    if (holds(this.#checksum.digest(), Buffer.from(value, 'base64'))) return null;
    return refuse('BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`);
  }

  release(): void {
    this.#checksum?.release();
  }
}

function holds(actual: Uint8Array, expected: Uint8Array): boolean {
  return actual.length === expected.length && timingSafeEqual(actual, expected);
}
