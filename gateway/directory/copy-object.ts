/**
 * CopyObject: the source is read and put as any body is, so that the target is there whole or not at all, and a source that is
 * also the target is read as it was before. The answer is sent when the copy stands, so its status is the whole truth.
 */
import type { ChecksumAlgorithm, ObjectChecksum } from '../../core/checksums.ts';
import { CONTENT_HEADERS } from '../../core/content-headers.ts';
import { SINGLE_PUT_BYTES_MAX } from '../../core/limits.ts';
import { acquireChecksumHash, type ChecksumHash } from '../../stores/rules/checksum-hash.ts';
import { checkMetadata } from '../../stores/rules/put-request.ts';
import type { Body, GetResult, ObjectInfo, PutRequest, Store } from '../../stores/store.ts';
import type { VerifiedRequest } from '../backend.ts';
import type { Handler } from './directory-backend.ts';
import { refuse } from '../answer/s3-error.ts';
import { sendDocument } from '../answer/send-document.ts';
import { printDocument, textElement } from '../answer/xml.ts';
import { checksumElements, parseAlgorithm } from './checksums.ts';
import { leave, openSource, toSource } from './copy-source.ts';
import { parsePutRequest, quote } from './object-headers.ts';

type Directive = 'COPY' | 'REPLACE';

export const copyObject: Handler = async ({ store }, request, response) => {
  const { bucket, key } = request.target;
  const metadata = parseDirective(request, 'metadata');
  const tagging = parseDirective(request, 'tagging');
  const algorithm = parseAlgorithm(request.headers);
  checkSelfCopy(request, metadata, tagging);
  const asked = parsePutRequest(request);
  // Also where the source's is kept: S3 says so of metadata that it would not look at.
  checkMetadata(asked.headers);
  const source = await openSource(request, (read) => store.get(read));
  let copying: CopyBody | undefined;
  try {
    const target = await toTarget(store, request, asked, source, { metadata, tagging });
    copying = await toCopyBody(source, algorithm);
    const { etag, checksum } = await store.put(target, copying.body);
    const { lastModifiedMs } = await store.head({ bucket, key });
    sendDocument(
      response,
      printDocument(
        'CopyObjectResult',
        textElement('LastModified', new Date(lastModifiedMs).toISOString()),
        textElement('ETag', quote(etag)),
        checksumElements(checksum),
      ),
    );
  } finally {
    copying?.release();
    // A copy that was refused may have read none of it, or not all.
    await leave(source);
  }
};

/** @throws InvalidArgument */
function parseDirective(request: VerifiedRequest, kind: 'metadata' | 'tagging'): Directive {
  const name = `x-amz-${kind}-directive`;
  const value = request.headers.get(name) ?? 'COPY';
  if (value === 'COPY' || value === 'REPLACE') return value;
  throw refuse('InvalidArgument', `Unknown ${kind} directive.`, { argumentName: name, argumentValue: value });
}

/** Headers that make a copy of an object to itself one that changes something. */
const CHANGES = ['x-amz-storage-class', 'x-amz-server-side-encryption', 'x-amz-website-redirect-location'];

function checkSelfCopy({ target, headers }: VerifiedRequest, metadata: Directive, tagging: Directive): void {
  const { source } = target;
  if (source?.bucket !== target.bucket || source.key !== target.key) return;
  const isChange =
    metadata === 'REPLACE' ||
    tagging === 'REPLACE' ||
    headers.has('x-amz-checksum-algorithm') ||
    CHANGES.some((name) => headers.has(name));
  if (isChange) return;
  throw refuse(
    'InvalidRequest',
    "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
  );
}

/** What the copy has beside its bytes: the source's, or what the request says. */
async function toTarget(
  store: Store,
  request: VerifiedRequest,
  asked: PutRequest,
  source: GetResult,
  directives: { readonly metadata: Directive; readonly tagging: Directive },
): Promise<PutRequest> {
  const { info } = source;
  if (info.sizeBytes > SINGLE_PUT_BYTES_MAX) {
    throw refuse(
      'InvalidRequest',
      `The specified copy source is larger than the maximum allowable size for a copy source: ${String(SINGLE_PUT_BYTES_MAX)}`,
    );
  }
  const { tags: askedTags, headers: askedHeaders, ...place } = asked;
  const isReplaced = directives.tagging === 'REPLACE';
  const { bucket, key } = toSource(request);
  const kept = isReplaced || info.tagCount === 0 ? undefined : await store.getTags({ bucket, key });
  const tags = isReplaced ? askedTags : kept;
  const headers = directives.metadata === 'REPLACE' ? askedHeaders : toHeaders(info, askedHeaders);
  return { ...place, headers, signal: request.signal, ...(tags && { tags }) };
}

/** A redirect and a storage class belong to their place, so those of the source are never the copy's. */
function toHeaders(info: ObjectInfo, asked: PutRequest['headers']): PutRequest['headers'] {
  const { websiteRedirectLocation, storageClass } = asked;
  const kept = CONTENT_HEADERS.flatMap((name) => (info[name] === undefined ? [] : [[name, info[name]] as const]));
  return {
    ...Object.fromEntries(kept),
    metadata: info.metadata,
    ...(websiteRedirectLocation !== undefined && { websiteRedirectLocation }),
    ...(storageClass !== undefined && { storageClass }),
  };
}

interface CopyBody {
  readonly body: Body;
  release(): void;
}

/**
 * The source's bytes as a body to put. A checksum is kept of the algorithm that is asked for, else of the source's own: computed
 * anew in any case, since that of an object made of parts is not the one of its bytes.
 */
async function toCopyBody(source: GetResult, asked: ChecksumAlgorithm | undefined): Promise<CopyBody> {
  const algorithm = asked ?? source.info.checksum?.algorithm;
  const sizeBytes = source.range.lengthBytes;
  if (algorithm === undefined) return { body: { sizeBytes, content: () => source.body }, release: () => undefined };
  const hash = await acquireChecksumHash(algorithm);
  const checksum = (): ObjectChecksum => ({
    algorithm,
    type: 'FULL_OBJECT',
    value: Buffer.from(hash.digest()).toString('base64'),
  });
  return { body: { sizeBytes, content: () => hashed(source.body, hash), checksum }, release: () => hash.release() };
}

async function* hashed(body: AsyncIterable<Uint8Array>, hash: ChecksumHash): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    hash.update(chunk);
    yield chunk;
  }
}
