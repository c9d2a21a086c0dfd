/**
 * The run: list, manifest, plan, copy, finalize. It coordinates and decides nothing about objects; every phase is an activity whose
 * result the ledger keeps, so this workflow can be killed, replayed, continued as new or started again at any point.
 *
 * - Only references, counts and hashes pass through it (I3); it continues as new long before 5,000 events.
 * - No timer on the happy path. Pause is a condition, not a poll.
 * - It ends the attempt in the ledger before it ends itself, also when it fails or is cancelled. Terminate skips that: the sweeper
 *   settles what is left.
 */
import {
  CancellationScope,
  CancelledFailure,
  continueAsNew,
  isCancellation,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities, Begun } from '../activities/types.ts';
import { HISTORY_EVENTS_MAX } from '../core/limits.ts';
import type { Fence } from '../ledger/ledger.ts';
import { createActivityProxies } from './activity-proxies.ts';
import { copyOneBatch } from './copy-one-batch.ts';
import { runWindow } from './copy-window.ts';
import { addCounts, NO_COUNTS } from './counts.ts';
import { toFailure, toRunFailure } from './failure.ts';
import { createSteering, type Steering } from './steering.ts';
import type { CopyCounts, RunCheckpoint, RunInput, RunResult, UnfinishedLarge } from './types.ts';

/** What every phase of a run works with. */
interface Run {
  readonly input: RunInput;
  readonly activities: Activities;
  readonly steering: Steering;
}

type Planned = Pick<RunCheckpoint, 'manifest' | 'planHash' | 'plan'>;

export async function run(input: RunInput): Promise<RunResult> {
  const steering = createSteering(input);
  const it: Run = { input, activities: createActivityProxies(input.heartbeatTimeoutMs), steering };
  let fence = input.resume?.fence ?? null;
  try {
    let checkpoint = input.resume;
    if (checkpoint === undefined) {
      const begun = await begin(it);
      fence = begun.fence;
      const quietUntilMs = begun.quietMs > 0 ? Date.now() + begun.quietMs : 0;
      const planned = await listAndPlan(it, begun);
      if (begun.mode === 'plan') return await endPlan(it, fence, planned);
      checkpoint = beginCopying(it, begun, planned, quietUntilMs);
    }
    const copied = await copyBatches(it, checkpoint);
    if ('resume' in copied) return await continueAsNew<typeof run>({ ...input, resume: copied.resume });
    return await finalize(it, checkpoint, copied.counts);
  } catch (error) {
    // Continue-as-new travels as an exception of the SDK's own and is not a failure.
    if (error instanceof Error && error.name === 'ContinueAsNew') throw error;
    throw await closeFailed(it, fence, error);
  }
}

/** Cancelled only once it is known what was begun, or nobody would close it. */
function begin({ input, activities }: Run): Promise<Begun> {
  return CancellationScope.nonCancellable(() =>
    activities.begin({ runUuid: input.runUuid, attemptId: input.attemptId }),
  );
}

async function listAndPlan({ activities, steering }: Run, { fence, attempt, concurrency }: Begun): Promise<Planned> {
  steering.suggestConcurrency(concurrency);
  steering.enter('listing', { attempt });
  await steering.untilResumed();
  await activities.list({ fence });
  await steering.untilResumed();
  const manifest = await activities.buildManifest({ fence });
  steering.enter('planning', { manifest });
  await steering.untilResumed();
  const { planHash, counts: plan } = await activities.plan({ fence, manifest });
  return { manifest, planHash, plan };
}

/** The end of a plan without a run. */
async function endPlan({ activities, steering }: Run, fence: Fence, planned: Planned): Promise<RunResult> {
  const { manifest, plan } = planned;
  await activities.endPlan({ fence, manifest, counts: plan });
  steering.report({ plan });
  steering.end('done');
  return toResult('done', planned, NO_COUNTS, 0);
}

function beginCopying(
  { steering }: Run,
  { fence, attempt }: Begun,
  planned: Planned,
  quietUntilMs: number,
): RunCheckpoint {
  steering.enter('copying', { plan: planned.plan });
  const nothingYet = { nextOrdinal: 0, unfinished: [], counts: NO_COUNTS };
  return { fence, attempt, ...planned, ...nothingYet, ...steering.asked(), quietUntilMs };
}

/** All batches that are left, or as many as this history has room for: then what its successor goes on with. */
async function copyBatches(
  { activities, steering }: Run,
  checkpoint: RunCheckpoint,
): Promise<{ readonly counts: CopyCounts } | { readonly resume: RunCheckpoint }> {
  const { fence, manifest, plan } = checkpoint;
  const quietMs = checkpoint.quietUntilMs - Date.now();
  // Also with nothing to copy: the marker is a write, and says that all is there.
  if (quietMs > 0) await sleep(quietMs);

  let counts = checkpoint.counts;
  const unfinished = new Map(checkpoint.unfinished.map((large): [number, UnfinishedLarge] => [large.ordinal, large]));
  const isPaused = (): boolean => steering.asked().paused;
  const shouldStop = (): boolean =>
    workflowInfo().historyLength > HISTORY_EVENTS_MAX || workflowInfo().continueAsNewSuggested;
  const nextOrdinal = await runWindow({
    before: [...unfinished.keys()],
    from: checkpoint.nextOrdinal,
    count: plan.batches,
    concurrency: () => steering.asked().concurrency,
    mayStart: () => !isPaused(),
    shouldStop,
    work: async (ordinal) => {
      const options = { activities, from: unfinished.get(ordinal), isPaused, shouldStop };
      const ended = await copyOneBatch({ fence, manifestHash: manifest.manifestHash, ordinal }, options);
      if ('unfinished' in ended) {
        unfinished.set(ordinal, ended.unfinished);
        return;
      }
      unfinished.delete(ordinal);
      counts = addCounts(counts, ended.counts);
      steering.report({ counts, batchesDone: steering.progress().batchesDone + 1 });
    },
  });
  if (nextOrdinal >= plan.batches && unfinished.size === 0) return { counts };
  return {
    resume: { ...checkpoint, nextOrdinal, unfinished: [...unfinished.values()], counts, ...steering.asked() },
  };
}

async function finalize(
  { activities, steering }: Run,
  checkpoint: RunCheckpoint,
  counts: CopyCounts,
): Promise<RunResult> {
  const { fence, manifest, planHash, plan } = checkpoint;
  await steering.untilResumed();
  steering.enter('finalizing');
  const { state, failed } = await activities.finalize({ fence, manifest, planHash, plan, counts });
  steering.end(state);
  return toResult(state, checkpoint, counts, failed);
}

/** Closes the attempt in the ledger. Returns what the workflow ends with. */
async function closeFailed({ activities, steering }: Run, fence: Fence | null, error: unknown): Promise<Error> {
  // A cancelled activity may end with a failure of its own, when its store answers with one first.
  const cancelled = isCancellation(error) || CancellationScope.current().consideredCancelled;
  const failure = toFailure(error, cancelled);
  const state = cancelled ? 'cancelled' : 'failed';
  if (fence !== null) {
    // Where it cannot be closed, the lease is another's, or the sweeper settles it; why this run ended stays as it is.
    await CancellationScope.nonCancellable(() => activities.close({ fence, state, failure }).catch(() => undefined));
  }
  steering.end(state);
  if (!cancelled) return toRunFailure(failure);
  return isCancellation(error) ? (error as Error) : new CancelledFailure(failure.message);
}

function toResult(
  state: 'done' | 'partial',
  { manifest: { manifestHash }, planHash, plan: { skipped } }: Planned,
  { copied, adopted }: CopyCounts,
  failed: number,
): RunResult {
  return { state, manifestHash, planHash, copied, skipped, adopted, failed };
}
