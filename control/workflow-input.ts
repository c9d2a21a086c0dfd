/** What the workflows are started with: the one place where a run of the ledger becomes a workflow's input. */
import { planWorkflowId, runWorkflowId, verifyWorkflowId } from '../core/ids.ts';
import type { RunRecord } from '../ledger/ledger.ts';
import type { RunInput, VerifyInput } from '../workflows/types.ts';

export function toRunInput(run: RunRecord, heartbeatTimeoutMs: number): RunInput {
  const { attemptId } = run.attempt;
  return { runUuid: run.id, attemptId, pipeline: run.pipeline, runId: run.runId, heartbeatTimeoutMs };
}

export function toVerifyInput(run: RunRecord, heartbeatTimeoutMs: number): VerifyInput {
  return { runUuid: run.id, pipeline: run.pipeline, runId: run.runId, heartbeatTimeoutMs };
}

/** The id of the workflow that carries the run out: one id for all of its attempts. */
export function toWorkflowId(run: Pick<RunRecord, 'mode' | 'pipeline' | 'runId'>): string {
  return run.mode === 'plan' ? planWorkflowId(run.pipeline, run.runId) : runWorkflowId(run.pipeline, run.runId);
}

export const toVerifyWorkflowId = (run: RunRecord): string => verifyWorkflowId(run.pipeline, run.runId);
