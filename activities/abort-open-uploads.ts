/** Aborts what an attempt left open at the target; what the store cannot be asked now stays on record for the sweeper. */
import type { UploadRecord } from '../ledger/ledger.ts';
import { dropUpload } from './copy/abort-upload.ts';
import type { Step } from './run-step.ts';

/** Returns how many are still open. */
export async function abortOpenUploads(step: Pick<Step, 'deps' | 'fence' | 'open' | 'runtime'>): Promise<number> {
  const { ledger } = step.deps;
  const uploads: readonly UploadRecord[] = await ledger.listOpenUploads({ attemptId: step.fence.attemptId });
  let open = 0;
  for (const upload of uploads) {
    try {
      await dropUpload(step, step.open(upload.location.store), upload);
    } catch (error) {
      open += 1;
      step.runtime.log.warn(
        { key: upload.key, cause: String(error) },
        'an upload could not be aborted; the sweeper tries again',
      );
    }
  }
  return open;
}
