/** Which operation a method, a place and query parameters mean, and which parameters each operation knows. */
import type { Operation } from '../core/traffic.ts';

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
  ListBuckets: [],
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
  DeleteObjects: ['delete'],
  HeadObject: ['versionId', ...OVERRIDES],
  GetObject: ['versionId', ...OVERRIDES],
  PutObject: [],
  DeleteObject: ['versionId'],
  CreateMultipartUpload: ['uploads'],
  UploadPart: ['partNumber', 'uploadId'],
  CompleteMultipartUpload: ['uploadId'],
  AbortMultipartUpload: ['uploadId'],
  ListParts: ['uploadId', 'max-parts', 'part-number-marker', 'encoding-type'],
  GetObjectTagging: ['tagging', 'versionId'],
  PutObjectTagging: ['tagging', 'versionId'],
  DeleteObjectTagging: ['tagging', 'versionId'],
};

type Query = ReadonlyMap<string, string>;

/** Null when nothing that is offered matches. */
export function selectOperation(method: string, bucket: string, key: string, query: Query): Operation | null {
  if (key !== '') return selectOfObject(method, query);
  if (bucket !== '') return selectOfBucket(method, query);
  return method === 'GET' ? 'ListBuckets' : null;
}

function selectOfObject(method: string, query: Query): Operation | null {
  const tagging = query.has('tagging');
  const uploadId = query.has('uploadId');
  switch (method) {
    case 'GET':
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
