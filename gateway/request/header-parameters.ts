/**
 * A presigner moves x-amz-… headers into the query; S3 reads them as headers all the same, and the signature covers them there.
 * They were not read by an HTTP parser, so what could not have been a header is refused here.
 *
 * One of them is no promise: a presigner that knows no body puts the checksum of an empty one into the URL, whatever is sent with it
 * later, or the name of an algorithm alone. It goes no further, with the name of its algorithm, so that neither a store nor a
 * provider holds the body to it.
 */
import { toChecksumAlgorithm } from '../../core/checksums.ts';
import { refuse } from '../answer/s3-error.ts';

const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
/** CRC32, CRC32C and CRC64NVME of nothing are zeros, in base64. */
const CRC_NAME = /^x-amz-checksum-crc(32|32c|64nvme)$/;
const ZEROS = /^A+=*$/;
const SDK_ALGORITHM = 'x-amz-sdk-checksum-algorithm';
const TRAILER = 'x-amz-trailer';
const CONTROLS = /[\u0000-\u0008\u000a-\u001f\u007f]/;

/** True for text that a header can carry. */
export const isHeaderText = (value: string): boolean => !CONTROLS.test(value);

/** @throws invalid_request with s3Code InvalidArgument, also when a name is given both ways */
export function mergeHeaderParameters(headers: Map<string, string>, parameters: ReadonlyMap<string, string>): void {
  if (parameters.size === 0) return;
  const isOfNothing = [...parameters].some(isChecksumOfNothing);
  const isBare = ![...headers.keys(), ...parameters.keys()].some(isPromise);
  for (const [name, value] of parameters) {
    if (!NAME.test(name) || !isHeaderText(value)) {
      throw refuse('InvalidArgument', 'A query parameter that stands for a header holds what a header cannot.');
    }
    if (isOfNothing && (name === SDK_ALGORITHM || isChecksumOfNothing([name, value]))) continue;
    if (isBare && name === SDK_ALGORITHM) continue;
    if (headers.has(name)) throw refuse('InvalidArgument', `${name} is given both as a header and in the query.`);
    headers.set(name, value);
  }
}

const isPromise = (name: string): boolean => name === TRAILER || toChecksumAlgorithm(name) !== undefined;

const isChecksumOfNothing = ([name, value]: readonly [name: string, value: string]): boolean =>
  CRC_NAME.test(name) && ZEROS.test(value);
