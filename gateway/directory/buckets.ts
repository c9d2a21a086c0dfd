/** ListBuckets, HeadBucket, CreateBucket, DeleteBucket, GetBucketLocation. */
import type { Handler } from '../directory-backend.ts';
import { childText, parseXml } from '../parse-xml.ts';
import { refuse } from '../s3-error.ts';
import { sendDocument, sendEmpty } from '../send-document.ts';
import { parentElement, printDocument, textElement } from '../xml.ts';
import { readDocument } from './read-document.ts';

/** A directory has one owner, and AWS's clients want to read one. */
const OWNER = parentElement('Owner', textElement('ID', 'waybill'), textElement('DisplayName', 'waybill'));

export const listBuckets: Handler = async ({ store }, _request, response) => {
  const buckets = (await store.listBuckets()).map(({ name, createdMs }) =>
    parentElement('Bucket', textElement('Name', name), textElement('CreationDate', new Date(createdMs).toISOString())),
  );
  sendDocument(response, printDocument('ListAllMyBucketsResult', OWNER, parentElement('Buckets', ...buckets)));
};

export const headBucket: Handler = async ({ store, region }, request, response) => {
  await store.headBucket(request.target.bucket, request.signal);
  sendEmpty(response, 200, ['x-amz-bucket-region', region]);
};

/** A location that is not this endpoint's region is refused: the bucket would not be where the client believes it is. */
export const createBucket: Handler = async ({ store, region }, request, response) => {
  const bytes = await readDocument(request);
  if (bytes.length > 0) {
    const wanted = childText(parseXml(bytes, 'CreateBucketConfiguration'), 'LocationConstraint');
    if (wanted !== undefined && wanted !== '' && wanted !== region) throw refuse('IllegalLocationConstraintException');
  }
  await store.createBucket(request.target.bucket);
  sendEmpty(response, 200, ['Location', `/${request.target.bucket}`]);
};

export const deleteBucket: Handler = async ({ store }, request, response) => {
  await store.deleteBucket(request.target.bucket);
  sendEmpty(response, 204);
};

/** us-east-1 is answered as nothing, as S3 does. */
export const getBucketLocation: Handler = async ({ store, region }, request, response) => {
  await store.headBucket(request.target.bucket, request.signal);
  sendDocument(response, printDocument('LocationConstraint', region === 'us-east-1' ? '' : region));
};
