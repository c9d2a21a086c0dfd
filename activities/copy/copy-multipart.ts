/** Copies an object of a few parts within one activity: open or resume, the parts that are missing, complete. */
import { isWaybillError, WaybillError } from '../../core/failures.ts';
import type { DeliveryRecord } from '../../ledger/ledger.ts';
import type { CopyAction } from '../plan/action.ts';
import { completeUpload } from './complete-upload.ts';
import { copyParts } from './copy-parts.ts';
import { openUpload } from './open-upload.ts';
import type { Transfer } from './transfer.ts';

/** Somebody who aborts uploads faster than they are copied is not outrun. */
const UPLOADS_MAX = 3;

/** An upload that was aborted by somebody else is opened anew. @throws store_error when that happens again and again */
export async function copyMultipart(transfer: Transfer, action: CopyAction): Promise<DeliveryRecord> {
  const { step } = transfer;
  for (let uploads = 1; ; uploads++) {
    const { upload, parts } = await openUpload(transfer, action);
    try {
      const run = { upload, from: parts.length + 1, to: upload.layout.parts, before: parts.at(-1) };
      const sent = run.from > run.to ? [] : await copyParts(transfer, action, run);
      return await completeUpload(transfer, action, upload, [...parts, ...sent]);
    } catch (error) {
      if (!isWaybillError(error) || error.type !== 'no_such_upload') throw error;
      // The record goes, so that the next try opens a new one.
      await step.deps.ledger.closeUpload(step.fence, upload.uploadId);
      if (uploads < UPLOADS_MAX) continue;
      throw new WaybillError(
        'store_error',
        'the upload was lost again and again',
        { key: upload.key },
        { cause: error },
      );
    }
  }
}
