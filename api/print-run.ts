/** Runs as JSON: the fields of `run-schema.ts`, in snake_case. */
import type { AttemptRecord, RunRecord, Summary, Totals, Verification } from '../ledger/ledger.ts';
import { isClosed } from '../core/run-state.ts';
import type { TrafficByOperation } from '../core/traffic.ts';
import type { RunProgress } from './read-progress.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * With what a live workflow says, its state is the run's: the row follows a moment later. An end alone is the row's to say, for
 * totals, summary and failure come with it.
 */
export function printRun(run: RunRecord, progress?: RunProgress | null): Json {
  return {
    id: run.id,
    pipeline: run.pipeline,
    run_id: run.runId,
    mode: run.mode,
    nominal_at: run.nominalAt,
    ...printAttempt(run.attempt),
    ...(progress?.source === 'workflow' && !isClosed(progress.progress.state)
      ? { state: progress.progress.state }
      : {}),
    ...(progress === undefined ? {} : { progress: progress === null ? null : printProgress(run, progress) }),
  };
}

export function printAttempt(attempt: AttemptRecord): Json {
  return {
    attempt: attempt.number,
    state: attempt.state,
    workflow_run_id: attempt.workflowRunId,
    manifest_hash: attempt.manifestHash,
    content_hash: attempt.contentHash,
    plan_hash: attempt.planHash,
    totals: attempt.totals === null ? null : printTotals(attempt.totals),
    summary: attempt.summary === null ? null : printSummary(attempt.summary),
    verification: attempt.verification === null ? null : printVerification(attempt.verification),
    failure: attempt.failure,
    accepted_at: attempt.acceptedAt,
    started_at: attempt.startedAt,
    ended_at: attempt.endedAt,
  };
}

function printTotals(totals: Totals): Json {
  return {
    objects: totals.objects,
    size_bytes: totals.sizeBytes,
    copied: totals.copied,
    copied_bytes: totals.copiedBytes,
    skipped: totals.skipped,
    skipped_bytes: totals.skippedBytes,
    adopted: totals.adopted,
    adopted_bytes: totals.adoptedBytes,
    repaired: totals.repaired,
    orphans: totals.orphans,
    outcomes: totals.outcomes,
  };
}

function printSummary(summary: Summary): Json {
  return {
    traffic: printTraffic(summary.traffic),
    avoided_traffic: printTraffic(summary.avoidedTraffic),
    money: summary.money,
    marker_key: summary.markerKey,
    empty_source: summary.emptySource,
  };
}

function printTraffic(traffic: TrafficByOperation): Json {
  return Object.fromEntries(
    Object.entries(traffic).map(([operation, { requests, bytesIn, bytesOut }]) => [
      operation,
      { requests, bytes_in: bytesIn, bytes_out: bytesOut },
    ]),
  );
}

function printVerification({ checkedAt, ...rest }: Verification): Json {
  return { ...rest, checked_at: checkedAt };
}

function printProgress(run: RunRecord, told: RunProgress): Json {
  if (told.source === 'ledger') {
    return {
      source: 'ledger',
      paused: run.attempt.state === 'paused',
      concurrency: null,
      batches_done: null,
      manifest: null,
      plan: null,
      counts: null,
      outcomes: told.outcomes,
    };
  }
  const { paused, concurrency, batchesDone, manifest, plan, counts } = told.progress;
  return {
    source: 'workflow',
    paused,
    concurrency,
    batches_done: batchesDone,
    manifest: manifest && {
      hash: manifest.manifestHash,
      content_hash: manifest.contentHash,
      objects: manifest.objects,
      size_bytes: manifest.sizeBytes,
    },
    plan: plan && {
      batches: plan.batches,
      skipped: plan.skipped,
      skipped_bytes: plan.skippedBytes,
      to_copy: plan.toCopy,
      to_copy_bytes: plan.toCopyBytes,
      to_adopt: plan.toAdopt,
      to_repair: plan.toRepair,
      orphans: plan.orphans,
      refused: plan.refused,
    },
    counts: {
      copied: counts.copied,
      copied_bytes: counts.copiedBytes,
      repaired: counts.repaired,
      adopted: counts.adopted,
      adopted_bytes: counts.adoptedBytes,
      failed: counts.failed,
    },
    outcomes: null,
  };
}
