/**
 * The activities with their time-outs. Every one heartbeats on a timer, so a lost worker is noticed after the heartbeat time-out,
 * however long the work takes; the start-to-close limit only guards against work that never ends.
 */
import { ActivityCancellationType, proxyActivities, workflowInfo, type ActivityOptions } from '@temporalio/workflow';
import type { Activities } from '../activities/types.ts';
import { NON_RETRYABLE_TYPES } from '../core/failures.ts';
import { toCopyQueue } from '../core/wire-names.ts';

/** A thousand tries a minute apart outlast a night's outage of a provider. */
const RETRY = {
  initialInterval: '1 second',
  backoffCoefficient: 2,
  maximumInterval: '1 minute',
  maximumAttempts: 1000,
  nonRetryableErrorTypes: [...NON_RETRYABLE_TYPES],
};

const isNotBusy = (type: string): boolean => type !== 'target_busy';

export function createActivityProxies(heartbeatTimeoutMs: number): Activities {
  const long: ActivityOptions = {
    startToCloseTimeout: '7 days',
    heartbeatTimeout: heartbeatTimeoutMs,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: RETRY,
  };
  // All others are handed to whoever runs the workflow together with the answer that asked for them, half a round through Temporal sooner.
  // Of copies that one worker would have all of a run, and another stand by; they wait in a queue of their own, whence none are handed out so.
  const copying: ActivityOptions = {
    ...long,
    taskQueue: toCopyQueue(workflowInfo().taskQueue),
    allowEagerDispatch: false,
  };
  const short: ActivityOptions = { startToCloseTimeout: '1 minute', retry: RETRY };
  // A scheduled run waits for the one before it: the activity says when to ask again, and gives up after the catch-up window.
  const waiting: ActivityOptions = {
    ...short,
    retry: { ...RETRY, maximumAttempts: Infinity, nonRetryableErrorTypes: NON_RETRYABLE_TYPES.filter(isNotBusy) },
  };
  const of = (options: ActivityOptions, summary: string): Activities =>
    proxyActivities<Activities>({ ...options, summary });
  return {
    begin: (input) => of(short, 'take the lease of the target').begin(input),
    list: (input) => of(long, 'list the source').list(input),
    buildManifest: (input) => of(long, 'fold the listing into the manifest').buildManifest(input),
    plan: (input) =>
      of(long, `plan ${input.manifest.objects} objects of ${input.manifest.manifestHash.slice(0, 12)}`).plan(input),
    endPlan: (input) => of(short, 'report the plan').endPlan(input),
    copyBatch: (input) => of(copying, `batch ${input.ordinal}`).copyBatch(input),
    copyParts: (input) => of(copying, `batch ${input.ordinal}, parts group ${input.partBatch}`).copyParts(input),
    completeLarge: (input) => of(long, `batch ${input.ordinal}, complete the upload`).completeLarge(input),
    finalize: (input) => of(long, 'verify the outcomes and write the marker').finalize(input),
    close: (input) => of(long, `close as ${input.state}`).close(input),
    verify: (input) => of(long, 'compare the target with the manifest').verify(input),
    acceptScheduled: (input) => of(waiting, `accept the run of ${input.nominalAt}`).acceptScheduled(input),
  };
}
