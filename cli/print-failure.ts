/** What a person reads when a command fails: what happened, and what to do about it. */
import { FAILURES, failureTypeOf, isWaybillError } from '../core/failures.ts';

const SYSTEM_HINT = 'the operating system refused it: check the path, its permissions and the space on the disk';

/** Two lines for stderr. Our own messages hold no secrets; of other errors the message is shown and never the stack or the cause. */
export function printFailure(error: unknown): string {
  const message = isWaybillError(error) ? error.message : printForeign(error);
  const hint = isSystemError(error) ? SYSTEM_HINT : FAILURES[failureTypeOf(error)].hint;
  return `waybill: ${message}\nhint: ${hint}\n`;
}

function printForeign(error: unknown): string {
  if (!(error instanceof Error)) return 'an unexpected failure';
  const { code } = error as NodeJS.ErrnoException;
  return error.message || code || error.name;
}

/** A file or a disk, not a defect of ours. */
function isSystemError(error: unknown): boolean {
  return (
    error instanceof Error && !isWaybillError(error) && typeof (error as NodeJS.ErrnoException).syscall === 'string'
  );
}
