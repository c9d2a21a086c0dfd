/** What the store answers. Its buckets: those that were filled by order, and those that clients write to, which know what was put. */
import { createHash } from 'node:crypto';
import type { ReceivedMd5 } from './bytes.ts';
import { toPatternCrc32, toPatternMd5 } from './bytes.ts';
import { createArrayKeys, hasKey, type Keys } from './keys.ts';
import { printListPage, type ListedObject } from './list-page.ts';
import { toOperation } from './to-operation.ts';

export interface Request {
  readonly method: string;
  readonly target: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly received: ReceivedMd5;
  readonly text: readonly Buffer[];
}

export interface Answer {
  readonly status: number;
  /** Whole lines. */
  readonly headers: string;
  readonly body: string;
  /** Of an object's bytes; null: `body` is it. */
  readonly sizeBytes: number | null;
  readonly afterMs: number;
}

export interface NullCounts {
  readonly requests: Record<string, number>;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export interface NullStore {
  readonly latency: { ms: number; listMs: number };
  serve(request: Request): Answer;
  setSource(bucket: string, keys: Keys, sizeBytes: number): void;
  empty(bucket: string): void;
  counts(): NullCounts;
}

interface Bucket {
  /** Null: `held` in order. */
  readonly source: Keys | null;
  readonly sourceObject: ListedObject;
  readonly held: Map<string, ListedObject>;
  sorted: Keys | null;
}

const PARTS_LISTED_MAX = 1000;
const SOURCE_MODIFIED = '2026-01-01T00:00:00.000Z';
const XML = 'Content-Type: application/xml\r\n';

export function createNullStore(): NullStore {
  const buckets = new Map<string, Bucket>();
  const latency = { ms: 0, listMs: 0 };
  let requests: Record<string, number> = {};
  let bytesIn = 0;
  let bytesOut = 0;
  let uploads = 0;
  const parts = new Map<string, Map<number, { etag: string; sizeBytes: number }>>();

  const createBucket = (source: Keys | null, sizeBytes: number): Bucket => ({
    source,
    sourceObject: { sizeBytes, etag: toPatternMd5(sizeBytes), modified: SOURCE_MODIFIED },
    held: new Map(),
    sorted: null,
  });
  const findBucket = (name: string): Bucket => {
    let bucket = buckets.get(name);
    if (bucket === undefined) buckets.set(name, (bucket = createBucket(null, 0)));
    return bucket;
  };
  const findObject = (bucket: Bucket, key: string): ListedObject | undefined =>
    bucket.source === null ? bucket.held.get(key) : hasKey(bucket.source, key) ? bucket.sourceObject : undefined;
  const findKeys = (bucket: Bucket): Keys =>
    bucket.source ?? (bucket.sorted ??= createArrayKeys([...bucket.held.keys()].sort()));
  const keep = (bucket: Bucket, key: string, sizeBytes: number, etag: string): void => {
    if (!bucket.held.has(key)) bucket.sorted = null;
    bucket.held.set(key, { sizeBytes, etag, modified: new Date().toISOString() });
  };

  const answer = (status: number, headers: string, body = '', sizeBytes: number | null = null): Answer => ({
    status,
    headers,
    body,
    sizeBytes,
    afterMs: latency.ms,
  });
  const document = (name: string, content: string): Answer =>
    answer(200, XML, `<?xml version="1.0" encoding="UTF-8"?>\n<${name}>${content}</${name}>`);
  const refuse = (status: number, code: string): Answer =>
    answer(
      status,
      XML,
      `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${code}</Message></Error>`,
    );

  function serve(request: Request): Answer {
    const { method, target } = request;
    const mark = target.indexOf('?');
    const path = mark < 0 ? target : target.slice(0, mark);
    const slash = path.indexOf('/', 1);
    const bucketName = slash < 0 ? path.slice(1) : path.slice(1, slash);
    const rawKey = slash < 0 ? '' : path.slice(slash + 1);
    const key = rawKey.includes('%') ? decodeURIComponent(rawKey) : rawKey;
    const query = mark < 0 ? null : new URLSearchParams(target.slice(mark + 1));
    const operation = toOperation(method, key, query, request.headers);
    requests[operation] = (requests[operation] ?? 0) + 1;
    bytesIn += request.received.sizeBytes;
    const bucket = findBucket(bucketName);
    switch (operation) {
      case 'GetObject':
      case 'HeadObject':
        return read(bucket, key, request, operation === 'GetObject');
      case 'PutObject':
        return put(bucket, key, request);
      case 'CopyObject': {
        const [, from = '', ...rest] = decodeURIComponent(request.headers.get('x-amz-copy-source') ?? '').split('/');
        const object = findObject(findBucket(from), rest.join('/'));
        if (object === undefined) return refuse(404, 'NoSuchKey');
        keep(bucket, key, object.sizeBytes, object.etag);
        return document(
          'CopyObjectResult',
          `<ETag>&quot;${object.etag}&quot;</ETag><LastModified>${SOURCE_MODIFIED}</LastModified>`,
        );
      }
      case 'ListObjects':
      case 'ListObjectsV2': {
        const page = printListPage(
          bucketName,
          query ?? new URLSearchParams(),
          findKeys(bucket),
          (one) => findObject(bucket, one) ?? bucket.sourceObject,
        );
        return { ...answer(200, XML, page), afterMs: latency.ms + latency.listMs };
      }
      case 'DeleteObject':
        if (bucket.held.delete(key)) bucket.sorted = null;
        return answer(204, '');
      case 'DeleteObjects':
        for (const [, one = ''] of Buffer.concat(request.text)
          .toString()
          .matchAll(/<Key>([^<]*)<\/Key>/g))
          bucket.held.delete(one);
        bucket.sorted = null;
        return document('DeleteResult', '');
      case 'CreateMultipartUpload': {
        const id = `upload-${String(++uploads)}`;
        parts.set(id, new Map());
        return document(
          'InitiateMultipartUploadResult',
          `<Bucket>${bucketName}</Bucket><Key>${key}</Key><UploadId>${id}</UploadId>`,
        );
      }
      case 'UploadPart': {
        if (!holdsPromises(request)) return refuse(400, 'BadDigest');
        const etag = request.received.digest();
        const upload = parts.get(query?.get('uploadId') ?? '');
        if (upload === undefined) return refuse(404, 'NoSuchUpload');
        upload.set(Number(query?.get('partNumber')), { etag, sizeBytes: request.received.sizeBytes });
        return answer(200, `ETag: "${etag}"\r\n${echoChecksums(request.headers)}`);
      }
      case 'CompleteMultipartUpload':
        return complete(bucket, bucketName, key, query?.get('uploadId') ?? '', request.headers);
      case 'AbortMultipartUpload':
        parts.delete(query?.get('uploadId') ?? '');
        return answer(204, '');
      case 'ListParts':
        return listParts(query ?? new URLSearchParams());
      case 'ListMultipartUploads':
        return document('ListMultipartUploadsResult', '<IsTruncated>false</IsTruncated>');
      case 'GetObjectTagging':
        return document('Tagging', '<TagSet></TagSet>');
      case 'GetBucketLocation':
        return document('LocationConstraint', '');
      case 'GetBucketVersioning':
        return document('VersioningConfiguration', '');
      case 'HeadBucket':
      case 'CreateBucket':
        return answer(200, 'x-amz-bucket-region: us-east-1\r\n');
      default:
        return refuse(404, 'NoSuchConfiguration');
    }
  }

  function read(bucket: Bucket, key: string, { headers }: Request, isWhole: boolean): Answer {
    const object = findObject(bucket, key);
    if (object === undefined) return refuse(404, 'NoSuchKey');
    const ifMatch = headers.get('if-match');
    if (ifMatch !== undefined && ifMatch.replaceAll('"', '') !== object.etag) return refuse(412, 'PreconditionFailed');
    // Told as S3 tells it: to whoever asks, and not of a range.
    const told =
      bucket.source !== null && headers.has('x-amz-checksum-mode') && !headers.has('range')
        ? `x-amz-checksum-crc32: ${toPatternCrc32(object.sizeBytes)}\r\nx-amz-checksum-type: FULL_OBJECT\r\n`
        : '';
    const common = `ETag: "${object.etag}"\r\nLast-Modified: ${new Date(object.modified).toUTCString()}\r\nContent-Type: binary/octet-stream\r\nAccept-Ranges: bytes\r\n${told}`;
    const range = /^bytes=(\d+)-(\d*)$/.exec(headers.get('range') ?? '');
    const last = object.sizeBytes - 1;
    const from = Number(range?.[1] ?? 0);
    const to = range === null || range[2] === '' ? last : Math.min(Number(range[2]), last);
    if (isWhole) bytesOut += to - from + 1;
    if (range === null) return answer(200, common, '', object.sizeBytes);
    return answer(
      206,
      `${common}Content-Range: bytes ${String(from)}-${String(to)}/${String(object.sizeBytes)}\r\n`,
      '',
      to - from + 1,
    );
  }

  function put(bucket: Bucket, key: string, { headers, received }: Request): Answer {
    const held = bucket.held.get(key);
    const ifMatch = headers.get('if-match')?.replaceAll('"', '');
    if (held !== undefined && headers.get('if-none-match') === '*') return refuse(412, 'PreconditionFailed');
    if (ifMatch !== undefined && held?.etag !== ifMatch) return refuse(412, 'PreconditionFailed');
    if (!holdsPromises({ headers, received })) return refuse(400, 'BadDigest');
    const etag = received.digest();
    keep(bucket, key, received.sizeBytes, etag);
    return answer(200, `ETag: "${etag}"\r\n${echoChecksums(headers)}`);
  }

  function complete(
    bucket: Bucket,
    bucketName: string,
    key: string,
    uploadId: string,
    headers: Request['headers'],
  ): Answer {
    const upload = parts.get(uploadId);
    if (upload === undefined) return refuse(404, 'NoSuchUpload');
    parts.delete(uploadId);
    const sorted = [...upload].sort(([a], [b]) => a - b).map(([, part]) => part);
    const etags = createHash('md5').update(Buffer.concat(sorted.map((part) => Buffer.from(part.etag, 'hex'))));
    const etag = `${etags.digest('hex')}-${String(sorted.length)}`;
    const sizeBytes = sorted.reduce((sum, part) => sum + part.sizeBytes, 0);
    const crc32 = headers.get('x-amz-checksum-crc32');
    // Parts of any other bytes than the pattern were verified one by one, and what they make together is not known here.
    if (crc32 !== undefined && sorted.every((part) => part.etag === toPatternMd5(part.sizeBytes))) {
      if (crc32 !== toPatternCrc32(sizeBytes)) return refuse(400, 'BadDigest');
    }
    keep(bucket, key, sizeBytes, etag);
    const checksum =
      crc32 === undefined ? '' : `<ChecksumCRC32>${crc32}</ChecksumCRC32><ChecksumType>FULL_OBJECT</ChecksumType>`;
    return document(
      'CompleteMultipartUploadResult',
      `<Bucket>${bucketName}</Bucket><Key>${key}</Key><ETag>&quot;${etag}&quot;</ETag>${checksum}`,
    );
  }

  function listParts(query: URLSearchParams): Answer {
    const upload = parts.get(query.get('uploadId') ?? '');
    if (upload === undefined) return refuse(404, 'NoSuchUpload');
    const after = Number(query.get('part-number-marker') ?? 0);
    const sorted = [...upload].sort(([a], [b]) => a - b).filter(([number]) => number > after);
    const page = sorted.slice(0, PARTS_LISTED_MAX);
    const entries = page.map(
      ([number, part]) =>
        `<Part><PartNumber>${String(number)}</PartNumber><LastModified>${SOURCE_MODIFIED}</LastModified>` +
        `<ETag>&quot;${part.etag}&quot;</ETag><Size>${String(part.sizeBytes)}</Size></Part>`,
    );
    const isTruncated = page.length < sorted.length;
    const marker = isTruncated ? `<NextPartNumberMarker>${String(page.at(-1)?.[0] ?? 0)}</NextPartNumberMarker>` : '';
    return document('ListPartsResult', `<IsTruncated>${String(isTruncated)}</IsTruncated>${marker}${entries.join('')}`);
  }

  return {
    latency,
    serve,
    setSource: (name, keys, sizeBytes) => void buckets.set(name, createBucket(keys, sizeBytes)),
    empty: (name) => void buckets.set(name, createBucket(null, 0)),
    counts() {
      const counted = { requests, bytesIn, bytesOut };
      requests = {};
      bytesIn = 0;
      bytesOut = 0;
      return counted;
    },
  };
}

/** What the client said of its body and is cheap to look at. */
function holdsPromises({ headers, received }: Pick<Request, 'headers' | 'received'>): boolean {
  const md5 = headers.get('content-md5');
  if (md5 !== undefined && md5 !== Buffer.from(received.digest(), 'hex').toString('base64')) return false;
  const crc32 = headers.get('x-amz-checksum-crc32');
  return crc32 === undefined || crc32 === received.crc32;
}

/** As S3 says back what the client said of its body. */
function echoChecksums(headers: ReadonlyMap<string, string>): string {
  let lines = '';
  for (const [name, value] of headers) {
    if (/^x-amz-checksum-(crc|sha|md5|xx)/.test(name)) lines += `${name}: ${value}\r\n`;
  }
  return lines;
}
