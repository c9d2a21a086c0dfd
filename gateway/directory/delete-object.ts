/** DeleteObject. Deleting what is not there succeeds; there is one version, and its id is `null`. */
import type { Store } from '../../stores/store.ts';
import { isWaybillError } from '../../core/failures.ts';
import type { Handler } from './directory-backend.ts';
import { refuse } from '../answer/s3-error.ts';
import { sendEmpty } from '../answer/send-document.ts';
import { unquote } from './object-headers.ts';
import { checkVersionId } from './version-id.ts';

/** What has to hold of an object for it to be deleted. */
export interface DeleteConditions {
  readonly ifMatch: string | undefined;
  /** Text of a date. */
  readonly modified: string | undefined;
  readonly sizeBytes: string | undefined;
}

export const deleteObject: Handler = async ({ store }, request, response) => {
  const { bucket, key } = request.target;
  checkVersionId(request);
  await deleteUnder(store, bucket, key, {
    ifMatch: request.headers.get('if-match'),
    modified: request.headers.get('x-amz-if-match-last-modified-time'),
    sizeBytes: request.headers.get('x-amz-if-match-size'),
  });
  sendEmpty(response, 204);
};

/** @throws no_such_bucket; precondition_failed; no_such_key for an If-Match over nothing */
export async function deleteUnder(
  store: Store,
  bucket: string,
  key: string,
  { ifMatch, modified, sizeBytes }: DeleteConditions,
): Promise<void> {
  if (modified === undefined && sizeBytes === undefined) {
    return store.delete({ bucket, key, ...(ifMatch !== undefined && { ifMatch: unquote(ifMatch) }) });
  }
  const info = await store.head({ bucket, key }).catch((error: unknown) => {
    if (isWaybillError(error) && error.type === 'no_such_key') return null;
    throw error;
  });
  // Nothing is there that could have another date or another size.
  if (info === null) return store.delete({ bucket, key, ...(ifMatch !== undefined && { ifMatch: unquote(ifMatch) }) });
  const holds =
    (ifMatch === undefined || ifMatch === '*' || unquote(ifMatch) === info.etag) &&
    (modified === undefined || Math.floor(Date.parse(modified) / 1000) * 1000 === info.lastModifiedMs) &&
    (sizeBytes === undefined || (/^\d{1,16}$/.test(sizeBytes) && Number(sizeBytes) === info.sizeBytes));
  if (!holds) throw refuse('PreconditionFailed');
  // What was judged is what is deleted: another object that came in between has another ETag.
  return store.delete({ bucket, key, ifMatch: info.etag });
}
