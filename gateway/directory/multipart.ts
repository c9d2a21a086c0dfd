/** CreateMultipartUpload, UploadPart, CompleteMultipartUpload, AbortMultipartUpload. */
import type { ServerResponse } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { ChecksumType } from '../../core/checksums.ts';
import { encodePath } from '../../sigv4/encode.ts';
import type { CompletedPart, CompleteUploadRequest, OpenUpload, Store, UploadRef } from '../../stores/store.ts';
import type { VerifiedRequest } from '../backend.ts';
import type { Handler } from './directory-backend.ts';
import { childText, onlyChildren, parseXml, type XmlNode } from '../answer/parse-xml.ts';
import { refuse } from '../answer/s3-error.ts';
import { sendDocument, sendEmpty } from '../answer/send-document.ts';
import { printDocument, textElement } from '../answer/xml.ts';
import {
  CHECKSUM_ELEMENTS,
  checksumElements,
  findChecksumElement,
  parseFinalChecksum,
  parseType,
  parseUploadChecksum,
  printChecksumHeaders,
  printUploadChecksum,
} from './checksums.ts';
import { parsePutRequest, parseWriteConditions, quote } from './object-headers.ts';
import { parsePartNumber } from './part-number.ts';
import { toStoreBody } from './put-object.ts';
import { readDocument } from './read-document.ts';

export const createUpload: Handler = async ({ store }, request, response) => {
  const { bucket, key } = request.target;
  const checksum = parseUploadChecksum(request.headers);
  const { uploadId } = await store.createUpload({ ...parsePutRequest(request), ...(checksum && { checksum }) });
  sendDocument(
    response,
    printDocument(
      'InitiateMultipartUploadResult',
      textElement('Bucket', bucket),
      textElement('Key', key),
      textElement('UploadId', uploadId),
    ),
    printUploadChecksum(checksum),
  );
};

export const uploadPart: Handler = async ({ store }, request, response) => {
  const { upload, partNumber } = toPartRef(request);
  if (request.headers.has('x-amz-server-side-encryption-customer-algorithm')) {
    throw refuse('NotImplemented', 'Encryption with a key of the customer is not offered.');
  }
  if (request.checksum === null) checkBare(await findUpload(store, upload));
  const { etag, checksum } = await store.uploadPart(upload, partNumber, toStoreBody(request));
  // The type is the upload's, and told when it ends.
  sendEmpty(response, 200, ['ETag', quote(etag), ...printChecksumHeaders(checksum).slice(0, 2)]);
};

export const completeUpload: Handler = async ({ store }, request, response) => {
  const { bucket, key } = request.target;
  const parts = parseParts(await readDocument(request));
  const upload = toUploadRef(request);
  const completion = parseCompletion(request);
  const begun = await findUpload(store, upload);
  checkType(begun, parseType(request.headers));
  checkPartETags(begun, parts);
  checkPartChecksums(begun, parts);
  const { etag, checksum } = await store.completeUpload({ ...upload, ...completion }, parts);
  sendDocument(
    response,
    printDocument(
      'CompleteMultipartUploadResult',
      textElement('Location', printLocation(request, response)),
      textElement('Bucket', bucket),
      textElement('Key', key),
      textElement('ETag', quote(etag)),
      checksumElements(checksum),
    ),
  );
};

export const abortUpload: Handler = async ({ store }, request, response) => {
  const upload = toUploadRef(request);
  const initiated = request.headers.get('x-amz-if-match-initiated-time');
  if (initiated !== undefined) {
    const found = await findUpload(store, upload);
    const wanted = Date.parse(initiated);
    // As for every condition by date, one in the future says nothing.
    const says = found !== undefined && wanted <= Date.now();
    if (says && toSeconds(found.initiatedMs) !== toSeconds(wanted)) throw refuse('PreconditionFailed');
  }
  await store.abortUpload(upload);
  sendEmpty(response, 204);
};

const toSeconds = (ms: number): number => Math.floor(ms / 1000);

function parseParts(bytes: Uint8Array): CompletedPart[] {
  const root = parseXml(bytes, 'CompleteMultipartUpload');
  onlyChildren(root, ['Part']);
  if (root.children.length === 0) throw refuse('MalformedXML', undefined, { why: 'no parts' });
  return root.children.map(parsePart);
}

const PART_ELEMENTS = ['PartNumber', 'ETag', ...CHECKSUM_ELEMENTS];

function parsePart(part: XmlNode): CompletedPart {
  onlyChildren(part, PART_ELEMENTS);
  const number = childText(part, 'PartNumber')?.trim();
  const etag = childText(part, 'ETag')?.trim();
  if (number === undefined || etag === undefined) {
    throw refuse('MalformedXML', undefined, { why: 'a part has a number and an ETag' });
  }
  if (/^(-\d+|0+)$/.test(number)) {
    throw refuse('InvalidArgument', 'PartNumber must be >= 1', {
      argumentName: 'PartNumber',
      argumentValue: number,
    });
  }
  const checksum = findChecksumElement(part);
  return { partNumber: parsePartNumber(number), etag, ...(checksum && { checksum }) };
}

type Completion = Omit<CompleteUploadRequest, keyof UploadRef>;

function parseCompletion({ headers }: VerifiedRequest): Completion {
  const checksum = parseFinalChecksum(headers);
  const sizeBytes = parseObjectSize(headers.get('x-amz-mp-object-size'));
  return {
    ...parseWriteConditions(headers),
    ...(checksum && { checksum }),
    ...(sizeBytes !== undefined && { sizeBytes }),
  };
}

function parseObjectSize(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^-\d{1,16}$/.test(text)) {
    throw refuse('InvalidRequest', `Value for x-amz-mp-object-size header is less than zero: '${text}'`);
  }
  if (!/^\d{1,15}$/.test(text)) {
    throw refuse('InvalidRequest', `Value for x-amz-mp-object-size header is invalid: '${text.slice(0, 64)}'`);
  }
  return Number(text);
}

/** An upload keeps the checksum type that it was begun with. @throws InvalidRequest */
function checkType(begun: OpenUpload | undefined, asked: ChecksumType | undefined): void {
  const expected = begun?.checksum?.type ?? 'FULL_OBJECT';
  if (begun === undefined || asked === undefined || asked === expected) return;
  throw refuse(
    'InvalidRequest',
    `The upload was created using the ${expected} checksum mode. The complete request must use the same checksum mode.`,
  );
}

/** Parts here have MD5s; another text names none. @throws InvalidPart, NoSuchUpload */
function checkPartETags(begun: OpenUpload | undefined, parts: readonly CompletedPart[]): void {
  const wrong = parts.find(({ etag }) => !/^"?[0-9a-f]{32}"?$/i.test(etag));
  if (wrong !== undefined) throw refuse(begun === undefined ? 'NoSuchUpload' : 'InvalidPart');
}

/** A composite checksum is one over those of the parts, so whoever asked for it names them. @throws InvalidRequest, BadDigest */
function checkPartChecksums(begun: OpenUpload | undefined, parts: readonly CompletedPart[]): void {
  const expected = begun?.checksum;
  if (expected === undefined) return;
  for (const { partNumber, checksum } of parts) {
    if (checksum === undefined && expected.type === 'COMPOSITE') {
      throw refuse(
        'InvalidRequest',
        `The upload was created using a ${expected.algorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${String(partNumber)} in the request.`,
      );
    }
    if (checksum !== undefined && checksum.algorithm !== expected.algorithm) {
      throw refuse(
        'BadDigest',
        `The ${checksum.algorithm.toLowerCase()} you specified for part ${String(partNumber)} did not match what we received.`,
      );
    }
  }
}

/** A part without a checksum, where the object's is one over those that the parts bring. @throws InvalidRequest */
function checkBare(begun: OpenUpload | undefined): void {
  if (begun?.checksum?.type !== 'COMPOSITE') return;
  throw refuse(
    'InvalidRequest',
    `Checksum Type mismatch occurred, expected checksum Type: ${begun.checksum.algorithm}, actual checksum Type: null`,
  );
}

/** Undefined when it is not open; what is asked next says so. */
export async function findUpload(store: Store, upload: UploadRef): Promise<OpenUpload | undefined> {
  const uploads = await store.listUploads({ bucket: upload.bucket, prefix: upload.key });
  return uploads.find(({ key, uploadId }) => key === upload.key && uploadId === upload.uploadId);
}

/** Where the object is, as a URL of the host that was asked. */
function printLocation({ target, headers }: VerifiedRequest, response: ServerResponse): string {
  const scheme = response.req.socket instanceof TLSSocket ? 'https' : 'http';
  return `${scheme}://${headers.get('host') ?? ''}/${encodePath(`${target.bucket}/${target.key}`)}`;
}

/** @throws NoSuchUpload when the id is empty: no upload has that */
export function toUploadRef(request: VerifiedRequest): UploadRef {
  const { bucket, key, query } = request.target;
  const uploadId = query.get('uploadId') ?? '';
  if (uploadId === '') throw refuse('NoSuchUpload', undefined, { uploadId });
  return { bucket, key, uploadId };
}

/** @throws InvalidArgument when one of the two is missing, NoSuchUpload */
export function toPartRef(request: VerifiedRequest): { readonly upload: UploadRef; readonly partNumber: number } {
  const { query } = request.target;
  const partNumber = query.get('partNumber');
  if (!query.has('uploadId')) {
    throw refuse('InvalidArgument', 'This operation does not accept partNumber without uploadId', {
      argumentName: 'partNumber',
      argumentValue: partNumber ?? '',
    });
  }
  return { upload: toUploadRef(request), partNumber: parsePartNumber(partNumber ?? '') };
}
