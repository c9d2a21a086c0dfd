/** The activities as one object over their ports. The worker hands each call its runtime; names are wire names. */
import { acceptScheduled } from './accept-scheduled.ts';
import { begin } from './begin.ts';
import { buildManifest } from './build-manifest.ts';
import { close } from './close.ts';
import { copyBatch } from './copy-batch.ts';
import { completeLarge, copyParts } from './copy-large.ts';
import { endPlan, finalize } from './finalize.ts';
import { guardLedger } from './guarded-ledger.ts';
import { list } from './list.ts';
import { plan } from './plan.ts';
import type { ActivityDeps, ActivityRuntime, Log } from './runtime.ts';
import type { Activities } from './types.ts';
import { verify } from './verify.ts';
import type { PipelineSpec } from '../core/pipeline.ts';

/** How the worker executes an activity: with a heartbeat where it may take long, and with failures made Temporal's. */
export interface Executor {
  /** Heartbeats on a timer until the work has ended. */
  readonly long: <T>(work: (runtime: ActivityRuntime) => Promise<T>) => Promise<T>;
  readonly short: <T>(
    work: (context: { readonly workflowRunId: string; readonly log: Log }) => Promise<T>,
  ) => Promise<T>;
}

export function createActivities(
  deps: ActivityDeps,
  executor: Executor,
  findPipeline: (name: string) => PipelineSpec,
): Activities {
  const { short } = executor;
  const long = <T>(work: (deps: ActivityDeps, runtime: ActivityRuntime) => Promise<T>): Promise<T> =>
    executor.long((runtime) => work({ ...deps, ledger: guardLedger(deps.ledger, runtime.guard) }, runtime));
  return {
    begin: (input) => short(({ workflowRunId }) => begin(deps, input, workflowRunId)),
    list: (input) => long((guarded, runtime) => list(guarded, runtime, input)),
    buildManifest: (input) => long((guarded, runtime) => buildManifest(guarded, runtime, input)),
    plan: (input) => long((guarded, runtime) => plan(guarded, runtime, input)),
    endPlan: (input) => short(() => endPlan(deps, input)),
    copyBatch: (input) => long((guarded, runtime) => copyBatch(guarded, runtime, input)),
    copyParts: (input) => long((guarded, runtime) => copyParts(guarded, runtime, input)),
    completeLarge: (input) => long((guarded, runtime) => completeLarge(guarded, runtime, input)),
    finalize: (input) => long((guarded, runtime) => finalize(guarded, runtime, input)),
    close: (input) => long((guarded, runtime) => close(guarded, runtime, input)),
    verify: (input) => long((guarded, runtime) => verify(guarded, runtime, input)),
    acceptScheduled: (input) => short(({ log }) => acceptScheduled(deps.ledger, findPipeline, log, input)),
  };
}
