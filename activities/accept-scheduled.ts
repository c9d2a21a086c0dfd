/** Makes the run of a schedule's nominal time. Its run_id is that time, never the clock, so a repeated trigger finds it. */
import { isWaybillError } from '../core/failures.ts';
import { parseRunId } from '../core/ids.ts';
import { isClosed } from '../core/run-state.ts';
import type { PipelineSpec } from '../core/pipeline.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { toTargetFingerprint } from '../manifest/target-fingerprint.ts';
import type { Log } from './runtime.ts';

/** Null: the run is closed already, or its target is busy with an earlier run, which is said in the log and not made up for. */
export async function acceptScheduled(
  ledger: Ledger,
  findPipeline: (name: string) => PipelineSpec,
  log: Log,
  input: { pipeline: string; nominalAt: string },
): Promise<{ readonly runUuid: string; readonly attemptId: string; readonly runId: string } | null> {
  const spec = findPipeline(input.pipeline);
  const runId = parseRunId(input.nominalAt);
  const before = await ledger.findRun('run', spec.name, runId);
  if (before !== null && isClosed(before.attempt.state)) return null;
  try {
    const accepted = await ledger.accept({
      pipeline: spec.name,
      mode: 'run',
      runId,
      nominalAt: input.nominalAt,
      spec,
      targetFingerprint: toTargetFingerprint(spec),
      again: false,
      idempotency: null,
    });
    return { runUuid: accepted.run.id, attemptId: accepted.run.attempt.attemptId, runId };
  } catch (error) {
    if (!isWaybillError(error) || error.type !== 'target_busy') throw error;
    log.warn({ pipeline: spec.name, runId, cause: error.message }, 'a scheduled run is skipped: its target is busy');
    return null;
  }
}
