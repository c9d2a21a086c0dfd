/** DeleteObject. Deleting what is not there succeeds; there is one version, and its id is `null`. */
import type { Handler } from '../directory-backend.ts';
import { refuse } from '../s3-error.ts';
import { sendEmpty } from '../send-document.ts';

export const deleteObject: Handler = async ({ store }, request, response) => {
  const { bucket, key, query } = request.target;
  const versionId = query.get('versionId');
  if (versionId !== undefined && versionId !== 'null') throw refuse('NoSuchVersion');
  // Ignoring a condition would delete what the caller wanted kept.
  if (request.headers.has('if-match')) throw refuse('NotImplemented', 'If-Match on DeleteObject is not offered.');
  await store.headBucket(bucket);
  await store.delete({ bucket, key });
  sendEmpty(response, 204);
};
