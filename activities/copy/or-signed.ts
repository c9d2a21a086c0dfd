/**
 * A body that goes without its SHA-256 may be refused though the configuration allows it: the store takes none, or the workload key may send
 * none any more, which the worker learns of at its next start. A refusal has stored nothing, so the body is sent once more, signed.
 */
import { isWaybillError } from '../../core/failures.ts';
import type { Transfer } from './transfer.ts';

/**
 * No async function: the usual case passes the write's own promise on.
 * @param send called with whether the body goes unsigned
 */
export function orSigned<T>(
  { shown, step, spec }: Transfer,
  isUnsigned: boolean,
  send: (isUnsigned: boolean) => Promise<T>,
): Promise<T> {
  if (!isUnsigned || shown.refusesUnsigned) return send(false);
  return send(true).catch(async (error: unknown) => {
    if (!isWaybillError(error) || error.type !== 'access_denied') throw error;
    const answer = await send(false);
    // Else it was about something else.
    if (!shown.refusesUnsigned) {
      step.runtime.log.warn(
        { store: spec.target.store },
        'unsigned bodies are refused here: they go signed from now on',
      );
    }
    shown.refusesUnsigned = true;
    return answer;
  });
}
