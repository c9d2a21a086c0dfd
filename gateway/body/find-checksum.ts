/**
 * The one checksum that a request promises of its body: in a header before it, or in a trailer behind it. On a read these headers
 * mean nothing, and one SDK sends them there.
 */
import { CHECKSUM_BYTES, checksumHeader, toChecksumAlgorithm, type ChecksumAlgorithm } from '../../core/checksums.ts';
import { refuse } from '../answer/s3-error.ts';
import type { VerifiedHead } from './plan-body.ts';

export interface PromisedChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly from: 'header' | 'trailer';
  /** base64; '' for a trailer, which is still to come. */
  readonly value: string;
}

const PREFIX = 'x-amz-checksum-';
/** Headers with the prefix that name an algorithm or a type and carry no value. */
const NO_VALUE: ReadonlySet<string> = new Set([
  'x-amz-checksum-algorithm',
  'x-amz-checksum-mode',
  'x-amz-checksum-type',
]);
const SDK_ALGORITHM = 'x-amz-sdk-checksum-algorithm';

type Head = Pick<VerifiedHead, 'headers' | 'operation'>;

/** @throws InvalidRequest for more than one, an unknown one, and one that cannot be a digest of its kind */
export function findChecksum(head: Head, trailerName: string): PromisedChecksum | null {
  const { headers, operation } = head;
  // There it is the checksum of the object that the parts become, and no promise of the document.
  const fromHeader = operation === 'CompleteMultipartUpload' ? null : findHeader(head);
  if (trailerName !== '' && fromHeader !== null) throw tooMany();
  const promised = trailerName === '' ? fromHeader : toTrailer(trailerName);
  checkSdkAlgorithm(headers.get(SDK_ALGORITHM), promised, head);
  return promised;
}

function findHeader({ headers }: Head): PromisedChecksum | null {
  let found: PromisedChecksum | null = null;
  for (const [name, value] of headers) {
    if (!name.startsWith(PREFIX) || NO_VALUE.has(name)) continue;
    const algorithm = toChecksumAlgorithm(name);
    if (algorithm === undefined) {
      throw refuse('InvalidRequest', 'The algorithm type you specified in x-amz-checksum- header is invalid.');
    }
    if (found !== null) throw tooMany();
    found = { algorithm, from: 'header', value };
  }
  if (found !== null && !isChecksum(found.value, found.algorithm)) {
    throw refuse('InvalidRequest', `Value for ${checksumHeader(found.algorithm)} header is invalid.`);
  }
  return found;
}

function toTrailer(trailerName: string): PromisedChecksum {
  const algorithm = toChecksumAlgorithm(trailerName.toLowerCase());
  if (algorithm === undefined) {
    throw refuse('InvalidRequest', 'The value specified in the x-amz-trailer header is not supported');
  }
  return { algorithm, from: 'trailer', value: '' };
}

function checkSdkAlgorithm(named: string | undefined, promised: PromisedChecksum | null, head: Head): void {
  if (named === undefined) return;
  const algorithm = toChecksumAlgorithm(PREFIX + named.toLowerCase());
  if (algorithm === undefined || (promised !== null && promised.algorithm !== algorithm)) {
    throw refuse('InvalidRequest', `Value for ${SDK_ALGORITHM} header is invalid.`);
  }
  // An older SDK names MD5 and sends Content-MD5.
  if (promised === null && !head.headers.has('content-md5') && head.operation !== 'CompleteMultipartUpload') {
    throw refuse(
      'InvalidRequest',
      `${SDK_ALGORITHM} specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.`,
    );
  }
}

/** True for base64 of just as many bytes as the algorithm makes. */
export function isChecksum(value: string, algorithm: ChecksumAlgorithm): boolean {
  const bytes = Buffer.from(value, 'base64');
  return bytes.length === CHECKSUM_BYTES[algorithm] && bytes.toString('base64') === value;
}

const tooMany = (): Error =>
  refuse('InvalidRequest', 'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.');
