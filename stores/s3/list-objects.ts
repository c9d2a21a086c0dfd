/** ListObjectsV2: one page, one request. Whether pages continue each other in order is for the lister to judge. */
import { WaybillError, isWaybillError } from '../../core/failures.ts';
import type { FailureDetails } from '../../core/failures.ts';
import { LIST_PAGE_KEYS } from '../../core/limits.ts';
import { checkText } from '../rules/object-key.ts';
import type { ListPage, ListRequest, ListedObject } from '../store.ts';
import { ColumnPage } from './column-page.ts';
import { stripQuotes } from './etag-text.ts';
import type { HttpAnswer } from './http-exchange.ts';
import type { ListAnswer, RawListedObject } from './list-answer.ts';
import { scanListBytes } from './list-bytes.ts';
import { parseListAnswer } from './list-parser.ts';
import { scanListAnswer } from './list-scanner.ts';
import { decodeListedKey } from './listed-key.ts';
import type { S3Call } from './s3-call.ts';
import type { S3Client } from './s3-client.ts';
import { callDetails } from './s3-failure.ts';

/** @throws listing_incomplete for a page that was cut off, or that says that more follows and not where; as the port */
export async function listObjects(client: S3Client, request: ListRequest): Promise<ListPage> {
  const call = buildListCall(request);
  const { body, giveBack } = await sendList(client, call);
  try {
    return toListPage(body, callDetails(call), request.isLent);
  } finally {
    giveBack?.();
  }
}

/** The page that an answer's bytes are, of which it keeps none; apart from the request, so that it can be measured and tested alone. */
export function toListPage(bytes: Uint8Array, details: FailureDetails, isLent = false): ListPage {
  const scanned = scanListBytes(bytes, isLent);
  if (scanned === undefined) return toUnusualListPage(bytes, details);
  const { columns, giveBack } = scanned;
  const next = toNext(scanned, details);
  return new ColumnPage(columns, giveBack === undefined ? next : { ...next, giveBack });
}

/** The same of a page of any shape. */
export function toUnusualListPage(bytes: Uint8Array, details: FailureDetails): ListPage {
  const answer = scanListAnswer(bytes) ?? parseListAnswer(bytes, details);
  const next = toNext(answer, details);
  return {
    objects: answer.objects.map((object) => toListedObject(object, answer, details)),
    commonPrefixes: answer.commonPrefixes.map((prefix) => toKey(prefix, answer, details)),
    ...next,
  };
}

function toNext(
  { isTruncated, nextContinuationToken }: Pick<ListAnswer, 'isTruncated' | 'nextContinuationToken'>,
  details: FailureDetails,
): Pick<ListPage, 'nextContinuationToken'> {
  if (!isTruncated) return {};
  if (nextContinuationToken === undefined || nextContinuationToken === '') {
    throw new WaybillError('listing_incomplete', 'the store says that more follows, and not where', details);
  }
  return { nextContinuationToken };
}

function buildListCall(request: ListRequest): S3Call {
  const query: [string, string][] = [
    ['list-type', '2'],
    ['encoding-type', 'url'],
    ['max-keys', String(request.maxKeys ?? LIST_PAGE_KEYS)],
  ];
  const optional = { prefix: request.prefix, delimiter: request.delimiter, 'start-after': request.startAfter };
  for (const [name, value] of Object.entries(optional)) {
    if (value === undefined || value === '') continue;
    checkText(name, value);
    query.push([name, value]);
  }
  if (request.continuationToken !== undefined) query.push(['continuation-token', request.continuationToken]);
  const { bucket, signal } = request;
  return { operation: 'ListObjectsV2', method: 'GET', bucket, query, signal, isLent: true };
}

async function sendList(client: S3Client, call: S3Call): Promise<HttpAnswer> {
  try {
    return await client.send(call);
  } catch (error) {
    if (!isWaybillError(error) || error.type !== 'body_corrupt') throw error;
    throw new WaybillError('listing_incomplete', 'a page of the listing was cut off', callDetails(call), {
      cause: error,
    });
  }
}

function toListedObject(raw: RawListedObject, answer: ListAnswer, details: FailureDetails): ListedObject {
  const sizeBytes = /^\d{1,15}$/.test(raw.size) ? Number(raw.size) : NaN;
  const modifiedMs = Date.parse(raw.lastModified);
  if (Number.isNaN(sizeBytes) || Number.isNaN(modifiedMs)) {
    throw new WaybillError('store_refused', 'the listing has an object without a readable size or date', details);
  }
  return {
    key: toKey(raw.key, answer, details),
    sizeBytes,
    etag: stripQuotes(raw.etag),
    lastModifiedMs: modifiedMs - (modifiedMs % 1000),
  };
}

function toKey(text: string, answer: ListAnswer, details: FailureDetails): string {
  const key = answer.urlEncoded ? decodeListedKey(text) : text;
  if (key === undefined)
    throw new WaybillError('store_refused', 'the listing has a key that is not url-encoded', details);
  return key;
}
