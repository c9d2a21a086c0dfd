/** The activities as one object over their ports. The worker hands each call its runtime; names are wire names. */
import { acceptScheduled } from './accept-scheduled.ts';
import { begin } from './begin.ts';
import { buildManifest } from './build-manifest.ts';
import { close } from './close.ts';
import { copyBatch } from './copy-batch.ts';
import { completeLarge, copyParts } from './copy-large.ts';
import { endPlan, finalize } from './finalize.ts';
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
  const { long, short } = executor;
  return {
    begin: (input) => short(({ workflowRunId }) => begin(deps, input, workflowRunId)),
    list: (input) => long((runtime) => list(deps, runtime, input)),
    buildManifest: (input) => long((runtime) => buildManifest(deps, runtime, input)),
    plan: (input) => long((runtime) => plan(deps, runtime, input)),
    endPlan: (input) => short(() => endPlan(deps, input)),
    copyBatch: (input) => long((runtime) => copyBatch(deps, runtime, input)),
    copyParts: (input) => long((runtime) => copyParts(deps, runtime, input)),
    completeLarge: (input) => long((runtime) => completeLarge(deps, runtime, input)),
    finalize: (input) => long((runtime) => finalize(deps, runtime, input)),
    close: (input) => long((runtime) => close(deps, runtime, input)),
    verify: (input) => long((runtime) => verify(deps, runtime, input)),
    acceptScheduled: (input) => short(({ log }) => acceptScheduled(deps.ledger, findPipeline, log, input)),
  };
}
