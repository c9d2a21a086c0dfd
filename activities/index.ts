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
import { createSubjectLog, logFailure, type Subject } from './subject-log.ts';
import type { Activities } from './types.ts';
import { verify } from './verify.ts';
import type { PipelineSpec } from '../core/pipeline.ts';

interface ShortContext {
  readonly workflowRunId: string;
  readonly log: Log;
}

/** How the worker executes an activity: with a heartbeat where it may take long, and with failures made Temporal's. */
export interface Executor {
  /** Heartbeats on a timer until the work has ended. */
  readonly long: <T>(work: (runtime: ActivityRuntime) => Promise<T>) => Promise<T>;
  readonly short: <T>(work: (context: ShortContext) => Promise<T>) => Promise<T>;
}

export function createActivities(
  deps: ActivityDeps,
  executor: Executor,
  findPipeline: (name: string) => PipelineSpec,
): Activities {
  const short = <T>(subject: Subject, work: (context: ShortContext) => Promise<T>): Promise<T> =>
    executor.short((context) => {
      const log = createSubjectLog(context.log, subject);
      return logFailure(log, () => work({ ...context, log }));
    });
  const long = <T>(subject: Subject, work: (deps: ActivityDeps, runtime: ActivityRuntime) => Promise<T>): Promise<T> =>
    executor.long((runtime) => {
      const log = createSubjectLog(runtime.log, subject);
      const guarded = { ...deps, ledger: guardLedger(deps.ledger, runtime.guard) };
      return logFailure(log, () => work(guarded, { ...runtime, log }));
    });
  return {
    begin: (input) => short(input, ({ workflowRunId }) => begin(deps, input, workflowRunId)),
    list: (input) => long(input, (guarded, runtime) => list(guarded, runtime, input)),
    buildManifest: (input) => long(input, (guarded, runtime) => buildManifest(guarded, runtime, input)),
    plan: (input) => long(input, (guarded, runtime) => plan(guarded, runtime, input)),
    endPlan: (input) => short(input, () => endPlan(deps, input)),
    copyBatch: (input) => long(input, (guarded, runtime) => copyBatch(guarded, runtime, input)),
    copyParts: (input) => long(input, (guarded, runtime) => copyParts(guarded, runtime, input)),
    completeLarge: (input) => long(input, (guarded, runtime) => completeLarge(guarded, runtime, input)),
    finalize: (input) => long(input, (guarded, runtime) => finalize(guarded, runtime, input)),
    close: (input) => long(input, (guarded, runtime) => close(guarded, runtime, input)),
    verify: (input) => long(input, (guarded, runtime) => verify(guarded, runtime, input)),
    acceptScheduled: (input) => short(input, ({ log }) => acceptScheduled(deps.ledger, findPipeline, log, input)),
  };
}
