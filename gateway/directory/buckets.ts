/** ListBuckets, HeadBucket, CreateBucket, DeleteBucket, GetBucketLocation, GetBucketVersioning. */
import { isWaybillError } from '../../core/failures.ts';
import { compareUtf8 } from '../../core/utf8-order.ts';
import type { VerifiedRequest } from '../backend.ts';
import type { Handler } from './directory-backend.ts';
import { childText, onlyChildren, parseXml } from '../answer/parse-xml.ts';
import { refuse } from '../answer/s3-error.ts';
import { sendDocument, sendEmpty } from '../answer/send-document.ts';
import { parentElement, printDocument, textElement } from '../answer/xml.ts';
import { ownerElement } from './owner.ts';
import { optional } from './print-list.ts';
import { readDocument } from './read-document.ts';

const BUCKETS_MAX = 10_000;
/** Where S3 keeps to what it did before there were others. */
const OLDEST_REGION = 'us-east-1';

export const listBuckets: Handler = async ({ store, region }, request, response) => {
  const { query } = request.target;
  const prefix = query.get('prefix') ?? '';
  const max = parseMaxBuckets(query.get('max-buckets'));
  // The bucket that the page before ended with; no secret, and it stays good when that bucket is gone.
  const after = query.get('continuation-token') ?? '';
  const asked = query.get('bucket-region');
  const all = asked === undefined || asked === '' || asked === region ? await store.listBuckets() : [];
  const rest = all
    .filter(({ name }) => name.startsWith(prefix) && compareUtf8(name, after) > 0)
    .sort((a, b) => compareUtf8(a.name, b.name));
  const page = rest.slice(0, max);
  const last = page.at(-1);
  const elements = page.map(({ name, createdMs }) =>
    parentElement(
      'Bucket',
      textElement('Name', name),
      textElement('CreationDate', new Date(createdMs).toISOString()),
      textElement('BucketRegion', region),
    ),
  );
  sendDocument(
    response,
    printDocument(
      'ListAllMyBucketsResult',
      ownerElement(request),
      parentElement('Buckets', ...elements),
      optional('ContinuationToken', last !== undefined && rest.length > page.length ? last.name : ''),
      optional('Prefix', prefix),
    ),
  );
};

function parseMaxBuckets(text: string | undefined): number {
  if (text === undefined) return BUCKETS_MAX;
  const max = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (max < 1 || max > BUCKETS_MAX) {
    throw refuse('InvalidArgument', `Argument max-buckets must be an integer between 1 and ${String(BUCKETS_MAX)}.`, {
      argumentName: 'max-buckets',
      argumentValue: text,
    });
  }
  return max;
}

export const headBucket: Handler = async ({ store, region }, request, response) => {
  await store.headBucket(request.target.bucket, request.signal);
  sendEmpty(response, 200, ['x-amz-bucket-region', region]);
};

export const createBucket: Handler = async ({ store, region }, request, response) => {
  checkBucketHeaders(request);
  const bytes = await readDocument(request);
  if (bytes.length > 0) checkLocation(bytes, region);
  const { bucket } = request.target;
  await store.createBucket(bucket).catch((error: unknown) => {
    // Its oldest region answers a repeated creation with success, and nothing happens.
    const isThere = isWaybillError(error) && error.details['s3Code'] === 'BucketAlreadyOwnedByYou';
    if (!isThere || region !== OLDEST_REGION) throw error;
  });
  sendEmpty(response, 200, ['Location', `/${bucket}`, 'x-amz-bucket-arn', `arn:aws:s3:::${bucket}`]);
};

const CANNED_ACLS: ReadonlySet<string> = new Set(['private', 'public-read', 'public-read-write', 'authenticated-read']);
const OWNERSHIPS: ReadonlySet<string> = new Set(['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter']);

/** What a bucket here cannot be is refused: ignored, it would be another bucket than the caller believes. */
function checkBucketHeaders({ headers }: VerifiedRequest): void {
  for (const [name, value] of headers) {
    if (name === 'x-amz-acl' && !CANNED_ACLS.has(value)) {
      throw refuse('InvalidArgument', '', { argumentName: name, argumentValue: value });
    }
    if (name === 'x-amz-object-ownership' && !OWNERSHIPS.has(value)) {
      throw refuse('InvalidArgument', `Invalid x-amz-object-ownership header: ${value.slice(0, 64)}`, {
        argumentName: name,
      });
    }
    if (name.startsWith('x-amz-grant-') || (name === 'x-amz-acl' && value !== 'private')) {
      throw refuse('InvalidBucketAclWithObjectOwnership');
    }
    if (name === 'x-amz-object-ownership' && value !== 'BucketOwnerEnforced') {
      throw refuse('NotImplemented', 'A bucket belongs to its owner, with all that is in it.', { header: name });
    }
    if (name === 'x-amz-bucket-object-lock-enabled' && value.toLowerCase() === 'true') {
      throw refuse('NotImplemented', 'Object Lock is not offered.', { header: name });
    }
  }
}

/** A location that is not this endpoint's region is refused: the bucket would not be where the client believes it is. */
function checkLocation(bytes: Uint8Array, region: string): void {
  const root = parseXml(bytes, 'CreateBucketConfiguration');
  onlyChildren(root, ['LocationConstraint', 'Location', 'Bucket', 'Tags']);
  if (root.children.some(({ name }) => name !== 'LocationConstraint')) {
    throw refuse('NotImplemented', 'Of the configuration of a bucket only LocationConstraint is offered.');
  }
  const wanted = childText(root, 'LocationConstraint') ?? '';
  // The name of that region is no location: whoever wants it says nothing, and S3 refuses the name.
  if (region === OLDEST_REGION && wanted !== '') throw refuse('InvalidLocationConstraint');
  if (wanted === '' || wanted === region) return;
  throw refuse(
    'IllegalLocationConstraintException',
    `The ${wanted.slice(0, 64)} location constraint is incompatible for the region specific endpoint this request was sent to.`,
  );
}

export const deleteBucket: Handler = async ({ store }, request, response) => {
  await store.deleteBucket(request.target.bucket);
  sendEmpty(response, 204);
};

/** us-east-1 is answered as nothing, as S3 does. */
export const getBucketLocation: Handler = async ({ store, region }, request, response) => {
  await store.headBucket(request.target.bucket, request.signal);
  sendDocument(response, printDocument('LocationConstraint', region === OLDEST_REGION ? '' : region));
};

/** Versions were never enabled, which S3 says with nothing inside. */
export const getBucketVersioning: Handler = async ({ store }, request, response) => {
  await store.headBucket(request.target.bucket, request.signal);
  sendDocument(response, printDocument('VersioningConfiguration'));
};
