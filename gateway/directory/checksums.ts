/**
 * The checksums of S3, from a request's headers and documents to the store and back. Whether a body has the checksum that it
 * promises is the listener's to find out; here it is what is kept, compared and told.
 */
import {
  CHECKSUM_BYTES,
  checksumHeader,
  toChecksumAlgorithm,
  type ChecksumAlgorithm,
  type ChecksumType,
  type ObjectChecksum,
} from '../../core/checksums.ts';
import type { PartChecksum, UploadChecksum } from '../../stores/store.ts';
import type { VerifiedRequest } from '../backend.ts';
import { isChecksum } from '../body/find-checksum.ts';
import type { XmlNode } from '../answer/parse-xml.ts';
import { refuse } from '../answer/s3-error.ts';
import { textElement } from '../answer/xml.ts';

const ALGORITHMS = Object.keys(CHECKSUM_BYTES) as ChecksumAlgorithm[];
/** The elements that carry a checksum. */
export const CHECKSUM_ELEMENTS: readonly string[] = ALGORITHMS.map((algorithm) => `Checksum${algorithm}`);
const TYPE = 'x-amz-checksum-type';
const ALGORITHM = 'x-amz-checksum-algorithm';

/** What the listener has verified of the body, for the store to keep; undefined when the request promised nothing. */
export function toBodyChecksum(request: VerifiedRequest): (() => ObjectChecksum | undefined) | undefined {
  const { checksum } = request;
  if (checksum === null) return undefined;
  // Read when the body has ended: a trailer brings the value behind the last chunk.
  return () =>
    checksum.value === '' ? undefined : { algorithm: checksum.algorithm, type: 'FULL_OBJECT', value: checksum.value };
}

/** x-amz-checksum-algorithm, as CopyObject and CreateMultipartUpload take it. @throws InvalidRequest for one that S3 has not */
export function parseAlgorithm(headers: ReadonlyMap<string, string>): ChecksumAlgorithm | undefined {
  const asked = headers.get(ALGORITHM);
  if (asked === undefined) return undefined;
  const found = ALGORITHMS.find((algorithm) => algorithm === asked.toUpperCase());
  if (found === undefined) {
    throw refuse(
      'InvalidRequest',
      `Checksum algorithm provided is unsupported. Please try again with any of the valid types: [${[...ALGORITHMS].sort().join(', ')}]`,
    );
  }
  return found;
}

/** The store refuses a type that the algorithm has not. @throws InvalidRequest for a type without an algorithm */
export function parseUploadChecksum(headers: ReadonlyMap<string, string>): UploadChecksum | undefined {
  const type = parseType(headers);
  const algorithm = parseAlgorithm(headers);
  if (algorithm === undefined) {
    if (type === undefined) return undefined;
    throw refuse(
      'InvalidRequest',
      'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.',
    );
  }
  return { algorithm, type: type ?? (algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE') };
}

/** @throws InvalidRequest */
export function parseType(headers: ReadonlyMap<string, string>): ChecksumType | undefined {
  const asked = headers.get(TYPE)?.toUpperCase();
  if (asked === undefined || asked === 'COMPOSITE' || asked === 'FULL_OBJECT') return asked;
  throw refuse('InvalidRequest', `Value for ${TYPE} header is invalid.`);
}

/**
 * The checksum that a completion promises of the whole object; a composite one may have its number of parts behind it.
 * @throws InvalidRequest for two, or for one that cannot be a digest of its kind
 */
export function parseFinalChecksum(headers: ReadonlyMap<string, string>): PartChecksum | undefined {
  let found: PartChecksum | undefined;
  for (const [name, value] of headers) {
    const algorithm = toChecksumAlgorithm(name);
    if (algorithm === undefined) continue;
    if (found !== undefined) {
      throw refuse(
        'InvalidRequest',
        'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
      );
    }
    if (!isChecksum(value.replace(/-\d{1,5}$/, ''), algorithm)) {
      throw refuse('InvalidRequest', `Value for ${name} header is invalid.`);
    }
    found = { algorithm, value };
  }
  return found;
}

/** The element of a part that carries its checksum. @throws InvalidArgument for two, or for one that is no digest of its kind */
export function findChecksumElement(part: XmlNode): PartChecksum | undefined {
  let found: PartChecksum | undefined;
  for (const { name, text } of part.children) {
    const algorithm = ALGORITHMS.find((one) => name === `Checksum${one}`);
    if (algorithm === undefined) continue;
    const value = text.trim();
    if (found !== undefined || !isChecksum(value, algorithm)) {
      throw refuse('InvalidArgument', 'Invalid Base64 or multiple checksums present in request', {
        argumentName: name,
        argumentValue: value,
      });
    }
    found = { algorithm, value };
  }
  return found;
}

/** Names and values by turns. */
export function printChecksumHeaders(checksum: ObjectChecksum | undefined): string[] {
  if (checksum === undefined) return [];
  return [checksumHeader(checksum.algorithm), checksum.value, TYPE, checksum.type];
}

export const printUploadChecksum = (checksum: UploadChecksum | undefined): string[] =>
  checksum === undefined ? [] : [ALGORITHM, checksum.algorithm, TYPE, checksum.type];

/** Of a part there is a value only; of an object a type too. */
export function checksumElements(checksum: PartChecksum | ObjectChecksum | undefined): string {
  if (checksum === undefined) return '';
  const type = 'type' in checksum ? textElement('ChecksumType', checksum.type) : '';
  return textElement(`Checksum${checksum.algorithm}`, checksum.value) + type;
}

/** As S3 has it in the list of the parts of an upload that named no algorithm. */
export const NO_CHECKSUM_KIND = textElement('ChecksumAlgorithm', 'null') + textElement('ChecksumType', 'null');

/** What is told of a checksum where its value is not. */
export const checksumKindElements = (checksum: UploadChecksum | undefined): string =>
  checksum === undefined
    ? ''
    : textElement('ChecksumAlgorithm', checksum.algorithm) + textElement('ChecksumType', checksum.type);
