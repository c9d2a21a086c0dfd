/** Which operation of S3 a request is, by its method, its key and its query. */
const SUBRESOURCES: Readonly<Record<string, string>> = {
  location: 'GetBucketLocation',
  versioning: 'GetBucketVersioning',
  tagging: 'GetObjectTagging',
};

export function toOperation(
  method: string,
  key: string,
  query: URLSearchParams | null,
  headers: ReadonlyMap<string, string>,
): string {
  if (query !== null) {
    if (query.has('uploadId')) {
      if (method === 'PUT') return 'UploadPart';
      if (method === 'POST') return 'CompleteMultipartUpload';
      return method === 'DELETE' ? 'AbortMultipartUpload' : 'ListParts';
    }
    if (query.has('uploads')) return method === 'POST' ? 'CreateMultipartUpload' : 'ListMultipartUploads';
    if (query.has('delete')) return 'DeleteObjects';
    for (const [name, operation] of Object.entries(SUBRESOURCES)) if (query.has(name)) return operation;
    if (key === '' && method === 'GET' && !query.has('list-type') && !query.has('prefix') && !query.has('marker'))
      return 'Unknown';
  }
  if (key === '') {
    // Named as the other stores name it.
    if (method === 'GET') return query?.get('list-type') === '2' ? 'ListObjectsV2' : 'ListObjects';
    return method === 'PUT' ? 'CreateBucket' : 'HeadBucket';
  }
  if (method === 'PUT') return headers.has('x-amz-copy-source') ? 'CopyObject' : 'PutObject';
  if (method === 'DELETE') return 'DeleteObject';
  return method === 'HEAD' ? 'HeadObject' : 'GetObject';
}
