/** Makes the run of a schedule's nominal time. Its run_id is that time, never the clock, so a repeated trigger finds it. */
import { isWaybillError, WaybillError } from '../core/failures.ts';
import { parseRunId } from '../core/ids.ts';
import { isClosed } from '../core/run-state.ts';
import type { PipelineSpec } from '../core/pipeline.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { toTargetFingerprint } from '../manifest/target-fingerprint.ts';
import type { Log } from './runtime.ts';
import type { AcceptScheduled } from './types.ts';

/** While its target is busy a late run is asked for again after a tenth of its lateness, at most so long. */
const BUSY_RETRY_MS = { min: 1000, max: 30_000 };

/**
 * Null: the run is closed already, or its target was busy until the catch-up window was over, which is said in the log.
 * @throws target_busy, to be tried again, within the window: what was missed is made up for, one nominal time after the other
 */
export async function acceptScheduled(
  ledger: Ledger,
  findPipeline: (name: string) => PipelineSpec,
  log: Log,
  input: AcceptScheduled,
  now: () => number = Date.now,
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
    const lateMs = now() - Date.parse(input.nominalAt);
    if (lateMs < input.catchupWindowMs) {
      const retryAfterMs = Math.min(BUSY_RETRY_MS.max, Math.max(BUSY_RETRY_MS.min, Math.round(lateMs / 10)));
      throw new WaybillError('target_busy', error.message, error.details, { retryAfterMs });
    }
    log.warn(
      { pipeline: spec.name, runId, cause: error.message },
      'a scheduled run is skipped: its target was busy for all of the catch-up window',
    );
    return null;
  }
}
