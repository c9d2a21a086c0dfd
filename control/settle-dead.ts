/**
 * What becomes of an attempt that the ledger calls live. The workflow is the truth of a live run: one that was terminated, or whose
 * history is lost, cannot end its attempt itself, and would hold its target for ever.
 */
import { isClosed } from '../core/run-state.ts';
import type { Ledger, RunRecord } from '../ledger/ledger.ts';
import type { RunControl } from './run-control.ts';

const TERMINATED = { type: 'terminated', message: 'the workflow ended without ending its attempt' } as const;

export interface LivenessDeps {
  readonly ledger: Pick<Ledger, 'loadRun' | 'settleDeadAttempt'>;
  readonly control: Pick<RunControl, 'look' | 'start'>;
}

/**
 * `alive`: a workflow carries it out, or was started just now because none had been. `settled`: it was dead and is closed now, and
 * its target is free.
 * @throws temporal_unavailable, ledger_unavailable
 */
export async function reviveOrSettle(deps: LivenessDeps, run: RunRecord): Promise<'alive' | 'started' | 'settled'> {
  const presence = await deps.control.look(run);
  if (presence === 'running') return 'alive';
  if (presence === 'absent' && run.attempt.state === 'accepted') {
    await deps.control.start(run);
    return 'started';
  }
  // A workflow ends its attempt before itself: what was read before the look may be older than its end.
  const { attempt } = await deps.ledger.loadRun(run.id);
  if (attempt.attemptId !== run.attempt.attemptId || isClosed(attempt.state)) return 'settled';
  await deps.ledger.settleDeadAttempt(attempt.attemptId, TERMINATED);
  return 'settled';
}
