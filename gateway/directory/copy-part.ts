/** UploadPartCopy: a part whose bytes are those of an object, or a range of them. The store computes the part's checksum. */
import { SINGLE_PUT_BYTES_MAX } from '../../core/limits.ts';
import { isWaybillError } from '../../core/failures.ts';
import type { GetRequest } from '../../stores/store.ts';
import type { VerifiedRequest } from '../backend.ts';
import type { Handler } from './directory-backend.ts';
import { refuse } from '../answer/s3-error.ts';
import { sendDocument } from '../answer/send-document.ts';
import { printDocument, textElement } from '../answer/xml.ts';
import { leave, openSource } from './copy-source.ts';
import { findUpload, toPartRef } from './multipart.ts';
import { quote } from './object-headers.ts';

export const uploadPartCopy: Handler = async ({ store }, request, response) => {
  const { upload, partNumber } = toPartRef(request);
  const range = parseCopyRange(request);
  const source = await openSource(request, async (read) => {
    const { sizeBytes } = await store.head(read);
    if (range !== undefined && range.last >= sizeBytes) throw outside(range, sizeBytes);
    return store.get(range === undefined ? read : { ...read, range }).catch((error: unknown) => {
      // Replaced by a shorter one since it was looked at.
      throw range !== undefined && isWaybillError(error) && error.type === 'range_unsatisfiable'
        ? outside(range, sizeBytes)
        : error;
    });
  });
  try {
    const { lengthBytes } = source.range;
    if (lengthBytes > SINGLE_PUT_BYTES_MAX) {
      throw refuse(
        'InvalidRequest',
        `The specified copy source is larger than the maximum allowable size for a copy source: ${String(SINGLE_PUT_BYTES_MAX)}`,
      );
    }
    const begun = await findUpload(store, upload);
    const { etag, checksum } = await store.uploadPart({ ...upload, signal: request.signal }, partNumber, {
      sizeBytes: lengthBytes,
      content: () => source.body,
    });
    sendDocument(
      response,
      printDocument(
        'CopyPartResult',
        // A part's date is that of its upload, which has just ended.
        textElement('LastModified', new Date(Math.floor(Date.now() / 1000) * 1000).toISOString()),
        textElement('ETag', quote(etag)),
        // Of an upload that names no algorithm the parts have one for our own use.
        begun?.checksum && checksum ? textElement(`Checksum${checksum.algorithm}`, checksum.value) : '',
      ),
    );
  } finally {
    // A copy that was refused may have read none of it, or not all.
    await leave(source);
  }
};

type CopyRange = Extract<NonNullable<GetRequest['range']>, { first: number }> & { readonly last: number };

const NAME = 'x-amz-copy-source-range';

/** Both ends are given, unlike in a Range. @throws InvalidArgument */
function parseCopyRange(request: VerifiedRequest): CopyRange | undefined {
  const value = request.headers.get(NAME);
  if (value === undefined) return undefined;
  const match = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(value.trim());
  const first = Number(match?.[1]);
  const last = Number(match?.[2]);
  if (match === null || last < first) {
    throw refuse(
      'InvalidArgument',
      'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy',
      { argumentName: NAME, argumentValue: value },
    );
  }
  return { first, last };
}

const outside = ({ first, last }: CopyRange, sizeBytes: number): Error =>
  refuse('InvalidArgument', `Range specified is not valid for source object of size: ${String(sizeBytes)}`, {
    argumentName: NAME,
    argumentValue: `bytes=${String(first)}-${String(last)}`,
  });
