/**
 * Starts a run. Its row is committed before its workflow is started, so a GET right after the 202 finds it; when Temporal is down
 * in between, the reconciler starts it. Asking again finds the same run: while it is live, when it is done, and under the same
 * Idempotency-Key for ever. A live attempt whose workflow is dead is settled on the way, its own or that of the target's holder.
 */
import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import { isWaybillError, WaybillError } from '../core/failures.ts';
import { parseRunId } from '../core/ids.ts';
import type { RunId, Sha256Hex } from '../core/ids.ts';
import type { PipelineSpec } from '../core/pipeline.ts';
import { isClosed } from '../core/run-state.ts';
import type { Accepted, AcceptRequest, Ledger, RunMode, RunRecord } from '../ledger/ledger.ts';
import { toTargetFingerprint } from '../manifest/target-fingerprint.ts';
import { createRunId } from './create-run-id.ts';
import type { RunControl } from '../control/run-control.ts';
import { reviveOrSettle } from '../control/settle-dead.ts';

export interface StartRunDeps {
  readonly ledger: Ledger;
  readonly control: RunControl;
  readonly pipelines: ReadonlyMap<string, PipelineSpec>;
}

export interface StartRequest {
  readonly principal: string;
  readonly idempotencyKey: string | null;
  readonly pipeline: string;
  readonly runId: string | null;
  readonly mode: RunMode;
  readonly again: boolean;
}

export interface Started {
  /** `replayed`: the Idempotency-Key stands for this run already, and nothing was begun. */
  readonly kind: Accepted['kind'] | 'replayed';
  readonly run: RunRecord;
  /** A done run is being compared with its target. */
  readonly verifying: boolean;
}

/** @throws unknown_pipeline, invalid_run_id, idempotency_conflict, target_busy, ledger_unavailable */
export async function startRun(deps: StartRunDeps, request: StartRequest, log: Logger): Promise<Started> {
  const runId = request.runId === null ? null : parseRunId(request.runId);
  const requestSha256 = hashRequest(request);
  const { principal, idempotencyKey: key } = request;
  if (key !== null) {
    const run = await deps.ledger.findIdempotent(principal, key, requestSha256);
    if (run !== null) return { kind: 'replayed', run, verifying: false };
  }
  const spec = deps.pipelines.get(request.pipeline);
  if (spec === undefined) {
    throw new WaybillError('unknown_pipeline', 'no pipeline of this name is configured', {
      pipeline: request.pipeline,
    });
  }
  const now = new Date();
  const acceptance: AcceptRequest = {
    pipeline: spec.name,
    mode: request.mode,
    runId: runId ?? createRunId(now),
    nominalAt: toNominalTime(runId, spec, now),
    spec,
    targetFingerprint: toTargetFingerprint(spec),
    again: request.again,
    idempotency: key === null ? null : { principal, key, requestSha256 },
  };
  const subject = `${acceptance.pipeline}/${acceptance.runId}`;
  await deps.ledger.audit(principal, 'run.start', subject, { mode: request.mode, again: request.again });
  return acceptAndStart(deps, acceptance, log, true);
}

async function acceptAndStart(
  deps: StartRunDeps,
  acceptance: AcceptRequest,
  log: Logger,
  mayRetry: boolean,
): Promise<Started> {
  let accepted: Accepted;
  try {
    accepted = await deps.ledger.accept(acceptance);
  } catch (error) {
    if (mayRetry && isWaybillError(error) && error.type === 'target_busy' && (await settleHolder(deps, error, log))) {
      return acceptAndStart(deps, acceptance, log, false);
    }
    throw error;
  }
  const { kind, run } = accepted;
  switch (kind) {
    case 'accepted':
      await tryTemporal(log, run, 'started', () => deps.control.start(run));
      return { kind, run, verifying: false };
    case 'live': {
      // Another request with the same Idempotency-Key came between, and its run has ended since.
      if (isClosed(run.attempt.state)) return { kind: 'replayed', run, verifying: false };
      const fate = await tryTemporal(log, run, 'looked at', () => reviveOrSettle(deps, run));
      if (fate === 'settled' && mayRetry) return acceptAndStart(deps, acceptance, log, false);
      return { kind, run, verifying: false };
    }
    case 'done': {
      const verifying =
        run.mode === 'run' && (await tryTemporal(log, run, 'verified', () => deps.control.verify(run))) !== null;
      return { kind, run, verifying };
    }
  }
}

/** True when the run that holds the target turned out to be dead, and the target is free now. */
async function settleHolder(deps: StartRunDeps, busy: WaybillError, log: Logger): Promise<boolean> {
  const holder = await deps.ledger.findRun('run', String(busy.details['pipeline']), String(busy.details['runId']));
  if (holder === null) return true;
  return (await tryTemporal(log, holder, 'looked at', () => reviveOrSettle(deps, holder))) === 'settled';
}

/** The run is committed: Temporal being down delays it, and takes nothing back. Null when it is down. */
async function tryTemporal<T>(
  log: Logger,
  run: RunRecord,
  verb: string,
  act: () => Promise<T>,
): Promise<T | true | null> {
  try {
    return (await act()) ?? true;
  } catch (error) {
    if (!isWaybillError(error) || error.type !== 'temporal_unavailable') throw error;
    log.warn({ err: error, run: run.id }, `the run could not be ${verb} now; the reconciler will see to it`);
    return null;
  }
}

/** Two requests under one Idempotency-Key are the same request when this is the same. */
function hashRequest({ pipeline, runId, mode, again }: StartRequest): Sha256Hex {
  return createHash('sha256')
    .update(JSON.stringify([pipeline, runId, mode, again]))
    .digest('hex') as Sha256Hex;
}

/**
 * A run_id that is an instant is the nominal time, as it is for a schedule: a missed run made up by hand has the same manifest.
 * Otherwise a pipeline that filters by age counts from the first acceptance, which the ledger keeps.
 */
function toNominalTime(runId: RunId | null, spec: PipelineSpec, now: Date): string | null {
  if (runId !== null && /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.test(runId) && !Number.isNaN(Date.parse(runId)))
    return runId;
  const { minAgeMs, maxAgeMs } = spec.filters;
  return minAgeMs === null && maxAgeMs === null ? null : now.toISOString();
}
