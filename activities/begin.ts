/** Takes the attempt and its target's lease. */
import { printLocation } from '../core/pipeline.ts';
import type { ActivityDeps } from './runtime.ts';
import type { Begun } from './types.ts';

/** Repeating it for the same workflow run returns the same fence. @throws lease_lost when the attempt is closed, or not the run's any more */
export async function begin(
  deps: ActivityDeps,
  input: { runUuid: string; attemptId: string },
  workflowRunId: string,
): Promise<Begun> {
  const begun = await deps.ledger.beginAttempt(input.runUuid, workflowRunId, deps.heartbeatTimeoutMs, input.attemptId);
  await deps.ledger.setState(begun.fence, 'listing');
  return {
    fence: begun.fence,
    attempt: begun.number,
    mode: begun.mode,
    concurrency: begun.spec.concurrency,
    quietMs: begun.quietMs,
    route: `${printLocation(begun.spec.source)} -> ${printLocation(begun.spec.target)}`,
  };
}
