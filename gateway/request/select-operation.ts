/** Which operation a method, a place, query parameters and x-amz-copy-source mean, and which parameters each operation knows. */
import type { Operation } from '../../core/traffic.ts';

/** The header that makes a write a copy. */
export const COPY_SOURCE = 'x-amz-copy-source';

const OVERRIDES = [
  'response-content-type',
  'response-content-language',
  'response-expires',
  'response-cache-control',
  'response-content-disposition',
  'response-content-encoding',
];

/** The query parameters that each operation takes; any other makes the request one that is not offered. */
export const PARAMETERS: Readonly<Record<Operation, readonly string[]>> = {
  ListBuckets: ['prefix', 'max-buckets', 'continuation-token', 'bucket-region'],
  HeadBucket: [],
  CreateBucket: [],
  DeleteBucket: [],
  GetBucketLocation: ['location'],
  ListObjects: ['prefix', 'delimiter', 'marker', 'max-keys', 'encoding-type'],
  ListObjectsV2: [
    'list-type',
    'prefix',
    'delimiter',
    'start-after',
    'continuation-token',
    'max-keys',
    'encoding-type',
    'fetch-owner',
    // MinIO's own, which its clients send to every server: S3 passes over it, and so does a directory.
    'metadata',
  ],
  ListMultipartUploads: [
    'uploads',
    'prefix',
    'delimiter',
    'key-marker',
    'upload-id-marker',
    'max-uploads',
    'encoding-type',
  ],
  ListObjectVersions: [
    'versions',
    'prefix',
    'delimiter',
    'key-marker',
    'version-id-marker',
    'max-keys',
    'encoding-type',
  ],
  GetBucketVersioning: ['versioning'],
  DeleteObjects: ['delete'],
  HeadObject: ['versionId', 'partNumber', ...OVERRIDES],
  GetObject: ['versionId', 'partNumber', ...OVERRIDES],
  GetObjectAttributes: ['attributes', 'versionId'],
  PutObject: [],
  CopyObject: [],
  DeleteObject: ['versionId'],
  CreateMultipartUpload: ['uploads'],
  UploadPart: ['partNumber', 'uploadId'],
  UploadPartCopy: ['partNumber', 'uploadId'],
  CompleteMultipartUpload: ['uploadId'],
  AbortMultipartUpload: ['uploadId'],
  ListParts: ['uploadId', 'max-parts', 'part-number-marker', 'encoding-type'],
  GetObjectTagging: ['tagging', 'versionId'],
  PutObjectTagging: ['tagging', 'versionId'],
  DeleteObjectTagging: ['tagging', 'versionId'],
};

type Query = ReadonlyMap<string, string>;

/**
 * Null when nothing that is offered matches.
 * @param hasCopySource whether x-amz-copy-source is there: it makes a write a copy
 */
export function selectOperation(
  method: string,
  bucket: string,
  key: string,
  query: Query,
  hasCopySource: boolean,
): Operation | null {
  if (key !== '') return toCopy(selectOfObject(method, query), hasCopySource);
  if (bucket !== '') return selectOfBucket(method, query);
  return method === 'GET' ? 'ListBuckets' : null;
}

function toCopy(operation: Operation | null, hasCopySource: boolean): Operation | null {
  if (!hasCopySource) return operation;
  return operation === 'PutObject' ? 'CopyObject' : operation === 'UploadPart' ? 'UploadPartCopy' : operation;
}

function selectOfObject(method: string, query: Query): Operation | null {
  const tagging = query.has('tagging');
  const uploadId = query.has('uploadId');
  switch (method) {
    case 'GET':
      if (query.has('attributes')) return 'GetObjectAttributes';
      return tagging ? 'GetObjectTagging' : uploadId ? 'ListParts' : 'GetObject';
    case 'HEAD':
      return 'HeadObject';
    case 'PUT':
      return tagging ? 'PutObjectTagging' : uploadId || query.has('partNumber') ? 'UploadPart' : 'PutObject';
    case 'DELETE':
      return tagging ? 'DeleteObjectTagging' : uploadId ? 'AbortMultipartUpload' : 'DeleteObject';
    case 'POST':
      return query.has('uploads') ? 'CreateMultipartUpload' : uploadId ? 'CompleteMultipartUpload' : null;
    default:
      return null;
  }
}

function selectOfBucket(method: string, query: Query): Operation | null {
  switch (method) {
    case 'GET':
      if (query.has('location')) return 'GetBucketLocation';
      if (query.has('uploads')) return 'ListMultipartUploads';
      if (query.has('versions')) return 'ListObjectVersions';
      if (query.has('versioning')) return 'GetBucketVersioning';
      return query.get('list-type') === '2' ? 'ListObjectsV2' : 'ListObjects';
    case 'HEAD':
      return 'HeadBucket';
    case 'PUT':
      return 'CreateBucket';
    case 'DELETE':
      return 'DeleteBucket';
    case 'POST':
      return query.has('delete') ? 'DeleteObjects' : null;
    default:
      return null;
  }
}
