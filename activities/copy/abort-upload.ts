/** Aborts an upload of ours, so that nothing is left behind that costs money and cannot be seen. */
import { isWaybillError } from '../../core/failures.ts';
import type { UploadRecord } from '../../ledger/ledger.ts';
import type { Store } from '../../stores/store.ts';
import type { Step } from '../run-step.ts';

const INTENT = 'intent:';

/** An upload that was about to be created: whether the store made it is not known. */
export const toIntentId = (unique: string): string => `${INTENT}${unique}`;
export const isIntent = (upload: Pick<UploadRecord, 'uploadId'>): boolean => upload.uploadId.startsWith(INTENT);

/** Succeeds when it is gone. For an intent, every open upload of that exact key is aborted: no live attempt but ours owns it. */
export async function abortUpload(target: Store, upload: UploadRecord): Promise<void> {
  const { bucket } = upload.location;
  const uploadIds = isIntent(upload)
    ? (await target.listUploads({ bucket, prefix: upload.key }))
        .filter(({ key }) => key === upload.key)
        .map(({ uploadId }) => uploadId)
    : [upload.uploadId];
  for (const uploadId of uploadIds) {
    try {
      await target.abortUpload({ bucket, key: upload.key, uploadId });
    } catch (error) {
      if (!isWaybillError(error) || error.type !== 'no_such_upload') throw error;
    }
  }
}

/** Aborts it, and only then forgets it: whoever dies in between leaves an upload that is known. */
export async function dropUpload(
  { deps, fence }: Pick<Step, 'deps' | 'fence'>,
  target: Store,
  upload: UploadRecord,
): Promise<void> {
  await abortUpload(target, upload);
  await deps.ledger.closeUpload(fence, upload.uploadId);
}
