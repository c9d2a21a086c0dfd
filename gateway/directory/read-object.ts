/** GetObject and HeadObject: the same answer, with and without the bytes. */
import type { ServerResponse } from 'node:http';
import type { ObjectChecksum } from '../../core/checksums.ts';
import { isWaybillError } from '../../core/failures.ts';
import { toByteRange } from '../../stores/rules/byte-range.ts';
import { toPartRange } from '../../stores/rules/object-parts.ts';
import { toWholeBytes } from '../../stores/rules/whole-body.ts';
import type { GetRequest, ObjectInfo, ObjectPart, ObjectRequest, Store } from '../../stores/store.ts';
import type { VerifiedRequest } from '../backend.ts';
import type { Handler } from './directory-backend.ts';
import { isHeaderText } from '../request/header-parameters.ts';
import { refuse } from '../answer/s3-error.ts';
import { sendEmpty } from '../answer/send-document.ts';
import { checkCustomerKey } from './customer-key.ts';
import { printAskedChecksum, printObjectHeaders, quote } from './object-headers.ts';
import { parsePartNumber } from './part-number.ts';
import { parseRange } from './parse-range.ts';
import { holdsIfRange, judgeReadConditions } from './read-conditions.ts';
import { sendBytes } from './send-bytes.ts';
import { checkVersionText } from './version-id.ts';

export const getObject: Handler = async ({ store, accel }, request, response) => {
  checkOverrides(request);
  checkCustomerKey(request.headers);
  let wanted = parseWanted(request);
  if (accel?.handOver(request, response, (info) => printHeadForNginx(request, info))) return;
  wanted = await underIfRange(store, request, wanted);
  const result = await store.get({ ...toObjectRequest(request), ...wanted }).catch(async (error: unknown) => {
    if (wanted.ifMatch !== undefined && isWaybillError(error) && error.type === 'precondition_failed') {
      wanted = WHOLE;
      return store.get(toObjectRequest(request));
    }
    // A condition comes before the range, and what it says does not depend on whether the range lies in the object.
    if (wanted === WHOLE || !isOutOfRange(error)) throw error;
    const info = await store.head(toObjectRequest(request));
    if (answeredByCondition(request, info, response)) return null;
    if (!isAllOfNothing(wanted, info)) throw withRange(error, request);
    writeHead(request, response, info, null, 0);
    response.end();
    return null;
  });
  if (result === null) return;
  const { info, body } = result;
  try {
    if (answeredByCondition(request, info, response)) return;
    const { first, lengthBytes } = result.range;
    const part = wanted.partNumber === undefined ? undefined : await findPart(store, request, info, wanted.partNumber);
    writeHead(request, response, info, wanted === WHOLE ? null : first, lengthBytes, part);
    await sendBytes(response, body, lengthBytes);
  } finally {
    // What is not sent must be left: until then the store keeps the bytes, also when their object is gone.
    if (toWholeBytes(body) === undefined) await body[Symbol.asyncIterator]().return?.();
  }
};

export const headObject: Handler = async ({ store }, request, response) => {
  checkOverrides(request);
  checkCustomerKey(request.headers);
  const asked = parseWanted(request);
  const info = await store.head({ ...toObjectRequest(request), withParts: asked.partNumber !== undefined });
  if (answeredByCondition(request, info, response)) return;
  const wanted = holdsIfRange(request.headers, info) ? asked : WHOLE;
  const { range, partNumber } = wanted;
  if (isAllOfNothing(wanted, info)) {
    writeHead(request, response, info, null, 0);
  } else {
    const { first, lengthBytes } =
      partNumber === undefined
        ? toByteRange(range, info.sizeBytes)
        : toPartRange(info.parts, info.sizeBytes, partNumber);
    const part = info.parts?.find((one) => one.partNumber === partNumber);
    writeHead(request, response, info, wanted === WHOLE ? null : first, lengthBytes, part);
  }
  response.end();
};

/** The last bytes of an empty object are all of it, although no byte can be named: RFC 9110, section 14.1.2. */
const isAllOfNothing = ({ range }: Wanted, { sizeBytes }: ObjectInfo): boolean =>
  sizeBytes === 0 && range !== undefined && 'suffixBytes' in range && range.suffixBytes > 0;

type Wanted = Pick<GetRequest, 'range' | 'partNumber' | 'ifMatch'>;
const WHOLE: Wanted = {};

/** The range of another object than the caller has a part of is of no use to it: then it gets all. One that comes in between, too. */
async function underIfRange(store: Store, request: VerifiedRequest, wanted: Wanted): Promise<Wanted> {
  if (wanted.range === undefined || !request.headers.has('if-range')) return wanted;
  const info = await store.head(toObjectRequest(request));
  return holdsIfRange(request.headers, info) ? { ...wanted, ifMatch: info.etag } : WHOLE;
}

/** As S3 does, the error says which range was asked. */
function withRange(error: unknown, request: VerifiedRequest): unknown {
  const rangeRequested = request.headers.get('range');
  if (!isWaybillError(error) || error.type !== 'range_unsatisfiable' || rangeRequested === undefined) return error;
  return refuse('InvalidRange', undefined, { rangeRequested, sizeBytes: error.details['sizeBytes'] ?? null }, error);
}

/** @throws InvalidRequest for a range of a part, InvalidArgument for what is no part number */
function parseWanted(request: VerifiedRequest): Wanted {
  const range = parseRange(request.headers.get('range'));
  const { query } = request.target;
  const partNumber = query.size === 0 ? undefined : query.get('partNumber');
  if (partNumber === undefined) return range === undefined ? WHOLE : { range };
  if (request.headers.has('range')) {
    throw refuse('InvalidRequest', 'Cannot specify both Range header and partNumber query parameter');
  }
  return { partNumber: parsePartNumber(partNumber) };
}

/** Of the object that is being sent and not of one that replaced it; only for who asks for checksums. */
async function findPart(
  store: Store,
  request: VerifiedRequest,
  info: ObjectInfo,
  partNumber: number,
): Promise<ObjectPart | undefined> {
  if (info.partCount === undefined || !request.headers.has('x-amz-checksum-mode')) return undefined;
  const found = await store.head({ ...toObjectRequest(request), withParts: true }).catch(() => null);
  return found?.etag === info.etag ? found.parts?.find((part) => part.partNumber === partNumber) : undefined;
}

/** Of the object's algorithm, so that whoever adds up the parts comes to the object's. */
function toPartChecksum({ checksum }: ObjectInfo, part: ObjectPart): ObjectChecksum | undefined {
  if (checksum === undefined || part.checksum?.algorithm !== checksum.algorithm) return undefined;
  return { ...part.checksum, type: checksum.type };
}

const isOutOfRange = (error: unknown): boolean =>
  isWaybillError(error) && (error.type === 'range_unsatisfiable' || error.details['s3Code'] === 'InvalidPartNumber');

function toObjectRequest(request: VerifiedRequest): ObjectRequest {
  const { bucket, key, query } = request.target;
  const versionId = query.size === 0 ? undefined : query.get('versionId');
  checkVersionText(versionId);
  return versionId === undefined ? { bucket, key } : { bucket, key, versionId };
}

/** @param first of a range or a part; null for the whole object */
function writeHead(
  request: VerifiedRequest,
  response: ServerResponse,
  info: ObjectInfo,
  first: number | null,
  lengthBytes: number,
  part?: ObjectPart,
): void {
  const headers = printObjectHeaders(info, request.target.query);
  headers.push('Content-Length', String(lengthBytes));
  // The checksum of the whole object would not be that of the bytes that follow.
  const isWhole = first === null || (lengthBytes === info.sizeBytes && request.target.query.has('partNumber'));
  if (isWhole) headers.push(...printAskedChecksum(request.headers, info));
  else if (part !== undefined)
    headers.push(...printAskedChecksum(request.headers, { checksum: toPartChecksum(info, part) }));
  if (first === null) {
    response.writeHead(200, headers);
    return;
  }
  // No byte of an empty object can be named: its part 1 is all of it.
  if (lengthBytes > 0) {
    const last = first + lengthBytes - 1;
    headers.push('Content-Range', `bytes ${String(first)}-${String(last)}/${String(info.sizeBytes)}`);
  }
  if (info.partCount !== undefined && request.target.query.has('partNumber')) {
    headers.push('x-amz-mp-parts-count', String(info.partCount));
  }
  response.writeHead(lengthBytes > 0 ? 206 : 200, headers);
}

/** As `writeHead` has it, but for what says which bytes follow: nginx cuts the range, and knows it by then. */
const printHeadForNginx = (request: VerifiedRequest, info: ObjectInfo): string[] => [
  ...printObjectHeaders(info, request.target.query),
  ...(request.headers.has('range') ? [] : printAskedChecksum(request.headers, info)),
];

/** True when the answer is 304 and has been sent. @throws precondition_failed */
function answeredByCondition(request: VerifiedRequest, info: ObjectInfo, response: ServerResponse): boolean {
  const judgement = judgeReadConditions(request.headers, info);
  if (judgement === 'send') return false;
  if (judgement === 'precondition_failed') {
    // Where both are sent, the date is not looked at.
    const condition = request.headers.has('if-match') ? 'If-Match' : 'If-Unmodified-Since';
    throw refuse('PreconditionFailed', undefined, { condition });
  }
  sendEmpty(response, 304, ['ETag', quote(info.etag), 'Last-Modified', new Date(info.lastModifiedMs).toUTCString()]);
  return true;
}

/** response-… parameters become headers, so they may hold only what a header can. @throws InvalidArgument */
function checkOverrides(request: VerifiedRequest): void {
  for (const [name, value] of request.target.query) {
    if (name.startsWith('response-') && !isHeaderText(value)) {
      throw refuse('InvalidArgument', `The query parameter ${name} holds what a header cannot.`);
    }
  }
}
