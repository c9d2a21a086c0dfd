/**
 * ListParts and ListMultipartUploads, over as many pages as it takes. A page that says that more follows and gives no marker, or
 * the marker of the page before, is an incomplete listing: going on would loop, stopping would lose uploads.
 */
import { WaybillError } from '../../core/failures.ts';
import type { OpenUpload, UploadRef, UploadedPart } from '../store.ts';
import { stripQuotes } from './etag-text.ts';
import { toLength } from './http-exchange.ts';
import { decodeListedKey } from './listed-key.ts';
import type { S3Call } from './s3-call.ts';
import type { S3Client } from './s3-client.ts';
import { callDetails } from './s3-failure.ts';
import { parseXmlAnswer, requireText } from './xml-answer.ts';
import { childrenOf, textOf } from './xml-tree.ts';
import type { XmlElement } from './xml-tree.ts';

/** @throws no_such_upload, listing_incomplete */
export async function listParts(client: S3Client, upload: UploadRef): Promise<UploadedPart[]> {
  const { bucket, key, signal } = upload;
  const parts: UploadedPart[] = [];
  let marker = '';
  for (;;) {
    const query: [string, string][] = [['uploadId', upload.uploadId]];
    if (marker !== '') query.push(['part-number-marker', marker]);
    const call: S3Call = { operation: 'ListParts', method: 'GET', bucket, key, query, signal };
    const root = parseXmlAnswer(call, await client.send(call), 'ListPartsResult');
    for (const element of childrenOf(root, 'Part')) parts.push(toPart(call, element));
    if (!isTruncated(call, root)) return parts;
    marker = nextMarker(call, root, 'NextPartNumberMarker', marker);
  }
}

/** @throws no_such_bucket, listing_incomplete */
export async function listUploads(
  client: S3Client,
  request: { bucket: string; prefix: string; signal?: AbortSignal },
): Promise<OpenUpload[]> {
  const { bucket, prefix, signal } = request;
  const uploads: OpenUpload[] = [];
  let keyMarker = '';
  let uploadMarker = '';
  for (;;) {
    const query: [string, string][] = [
      ['uploads', ''],
      ['encoding-type', 'url'],
    ];
    if (prefix !== '') query.push(['prefix', prefix]);
    if (keyMarker !== '') query.push(['key-marker', keyMarker]);
    if (uploadMarker !== '') query.push(['upload-id-marker', uploadMarker]);
    const call: S3Call = { operation: 'ListMultipartUploads', method: 'GET', bucket, query, signal };
    const root = parseXmlAnswer(call, await client.send(call), 'ListMultipartUploadsResult');
    const urlEncoded = textOf(root, 'EncodingType') === 'url';
    for (const element of childrenOf(root, 'Upload')) uploads.push(toUpload(call, element, urlEncoded));
    if (!isTruncated(call, root)) return uploads;
    const nextKey = toKey(call, textOf(root, 'NextKeyMarker') ?? '', urlEncoded);
    const nextUpload = textOf(root, 'NextUploadIdMarker') ?? '';
    if (nextKey === '' || (nextKey === keyMarker && nextUpload === uploadMarker)) throw incomplete(call);
    [keyMarker, uploadMarker] = [nextKey, nextUpload];
  }
}

function toPart(call: S3Call, element: XmlElement): UploadedPart {
  const partNumber = toLength(requireText(call, element, 'PartNumber'));
  const sizeBytes = toLength(requireText(call, element, 'Size'));
  if (partNumber === undefined || sizeBytes === undefined) throw incomplete(call);
  return { partNumber, etag: stripQuotes(requireText(call, element, 'ETag')), sizeBytes };
}

function toUpload(call: S3Call, element: XmlElement, urlEncoded: boolean): OpenUpload {
  const initiatedMs = Date.parse(requireText(call, element, 'Initiated'));
  if (Number.isNaN(initiatedMs)) throw incomplete(call);
  return {
    key: toKey(call, requireText(call, element, 'Key'), urlEncoded),
    uploadId: requireText(call, element, 'UploadId'),
    initiatedMs,
  };
}

function toKey(call: S3Call, text: string, urlEncoded: boolean): string {
  const key = urlEncoded ? decodeListedKey(text) : text;
  if (key === undefined) throw incomplete(call);
  return key;
}

function isTruncated(call: S3Call, root: XmlElement): boolean {
  const text = textOf(root, 'IsTruncated');
  if (text !== 'true' && text !== 'false') throw incomplete(call);
  return text === 'true';
}

function nextMarker(call: S3Call, root: XmlElement, name: string, before: string): string {
  const marker = textOf(root, name) ?? '';
  if (marker === '' || marker === before) throw incomplete(call);
  return marker;
}

const incomplete = (call: S3Call): WaybillError =>
  new WaybillError(
    'listing_incomplete',
    'a page of parts or uploads is unreadable, or does not lead on',
    callDetails(call),
  );
