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
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  isCancellation,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import { HISTORY_EVENTS_MAX, RUN_CONCURRENCY_MAX } from '../core/limits.ts';
import type { LiveState, RunState } from '../core/run-state.ts';
import { QUERIES, SIGNALS } from '../core/wire-names.ts';
import { createActivityProxies } from './activity-proxies.ts';
import { copyOneBatch } from './copy-one-batch.ts';
import { runWindow } from './copy-window.ts';
import { addCounts, NO_COUNTS } from './counts.ts';
import { toFailure, toRunFailure } from './failure.ts';
import { show, showState } from './operator-view.ts';
import type { CopyCounts, Progress, RunCheckpoint, RunInput, RunResult, UnfinishedLarge } from './types.ts';

export const pauseSignal = defineSignal(SIGNALS.pause);
export const resumeSignal = defineSignal(SIGNALS.resume);
export const setConcurrencySignal = defineSignal<[number]>(SIGNALS.setConcurrency);
export const progressQuery = defineQuery<Progress>(QUERIES.progress);

export async function run(input: RunInput): Promise<RunResult> {
  const activities = createActivityProxies(input.heartbeatTimeoutMs);
  let checkpoint = input.resume;
  let paused = checkpoint?.paused ?? false;
  let concurrency = checkpoint?.concurrency ?? 1;
  let isConcurrencyAsked = false;
  let phase: LiveState = checkpoint === undefined ? 'accepted' : 'copying';
  let progress: Progress = {
    state: phase,
    attempt: checkpoint?.attempt ?? 0,
    paused,
    concurrency,
    manifest: checkpoint?.manifest ?? null,
    plan: checkpoint?.plan ?? null,
    batchesDone: checkpoint === undefined ? 0 : checkpoint.nextOrdinal - checkpoint.unfinished.length,
    counts: checkpoint?.counts ?? NO_COUNTS,
  };
  const report = (change: Partial<Progress>): void => {
    progress = { ...progress, ...change, paused, concurrency, state: paused ? 'paused' : phase };
    show(input, progress);
  };
  const enter = (next: LiveState, change: Partial<Progress> = {}): void => {
    phase = next;
    report(change);
    showState(input, progress);
  };
  const end = (state: RunState): void => {
    progress = { ...progress, state };
    show(input, progress);
    showState(input, progress);
  };

  const setPaused = (wanted: boolean): void => {
    paused = wanted;
    report({});
    showState(input, progress);
  };
  setHandler(pauseSignal, () => setPaused(true));
  setHandler(resumeSignal, () => setPaused(false));
  setHandler(setConcurrencySignal, (wanted) => {
    if (!Number.isInteger(wanted)) return;
    isConcurrencyAsked = true;
    concurrency = Math.min(RUN_CONCURRENCY_MAX, Math.max(1, wanted));
    report({});
  });
  setHandler(progressQuery, () => progress);
  const untilResumed = (): Promise<void> => condition(() => !paused);

  if (checkpoint !== undefined) report({});
  let fence = checkpoint?.fence ?? null;
  try {
    if (checkpoint === undefined) {
      // Cancelled only once it is known what was begun, or nobody would close it.
      const begun = await CancellationScope.nonCancellable(() =>
        activities.begin({ runUuid: input.runUuid, attemptId: input.attemptId }),
      );
      fence = begun.fence;
      if (!isConcurrencyAsked) concurrency = begun.concurrency;
      const quietUntilMs = begun.quietMs > 0 ? Date.now() + begun.quietMs : 0;
      enter('listing', { attempt: begun.attempt });
      await untilResumed();
      await activities.list({ fence });
      await untilResumed();
      const manifest = await activities.buildManifest({ fence });
      enter('planning', { manifest });
      await untilResumed();
      const { planHash, counts: plan } = await activities.plan({ fence, manifest });
      if (begun.mode === 'plan') {
        await activities.endPlan({ fence, manifest, counts: plan });
        report({ plan });
        end('done');
        return toResult('done', manifest.manifestHash, planHash, plan.skipped, NO_COUNTS, 0);
      }
      enter('copying', { plan });
      checkpoint = {
        fence,
        attempt: begun.attempt,
        manifest,
        planHash,
        plan,
        nextOrdinal: 0,
        unfinished: [],
        counts: NO_COUNTS,
        paused,
        concurrency,
        quietUntilMs,
      };
    }

    const { manifest, plan, planHash, attempt } = checkpoint;
    const owned = checkpoint.fence;
    const quietMs = checkpoint.quietUntilMs - Date.now();
    // Also with nothing to copy: the marker is a write, and says that all is there.
    if (quietMs > 0) await sleep(quietMs);

    let counts = checkpoint.counts;
    const manifestHash = manifest.manifestHash;
    const unfinished = new Map(checkpoint.unfinished.map((large): [number, UnfinishedLarge] => [large.ordinal, large]));
    const shouldStop = (): boolean =>
      workflowInfo().historyLength > HISTORY_EVENTS_MAX || workflowInfo().continueAsNewSuggested;
    const nextOrdinal = await runWindow({
      before: [...unfinished.keys()],
      from: checkpoint.nextOrdinal,
      count: plan.batches,
      concurrency: () => concurrency,
      mayStart: () => !paused,
      shouldStop,
      work: async (ordinal) => {
        const from = unfinished.get(ordinal);
        const options = { activities, from, isPaused: () => paused, shouldStop };
        const ended = await copyOneBatch({ fence: owned, manifestHash, ordinal }, options);
        if ('unfinished' in ended) {
          unfinished.set(ordinal, ended.unfinished);
          return;
        }
        unfinished.delete(ordinal);
        counts = addCounts(counts, ended.counts);
        report({ counts, batchesDone: progress.batchesDone + 1 });
      },
    });
    if (nextOrdinal < plan.batches || unfinished.size > 0) {
      const left = { nextOrdinal, unfinished: [...unfinished.values()], counts, paused, concurrency };
      const resume: RunCheckpoint = { ...checkpoint, ...left, attempt };
      return await continueAsNew<typeof run>({ ...input, resume });
    }

    await untilResumed();
    enter('finalizing');
    const finalized = await activities.finalize({ fence: owned, manifest, planHash, plan, counts });
    end(finalized.state);
    return toResult(finalized.state, manifestHash, planHash, plan.skipped, counts, finalized.failed);
  } catch (error) {
    // Continue-as-new travels as an exception of the SDK's own and is not a failure.
    if (error instanceof Error && error.name === 'ContinueAsNew') throw error;
    // A cancelled activity may end with a failure of its own, when its store answers with one first.
    const cancelled = isCancellation(error) || CancellationScope.current().consideredCancelled;
    const failure = toFailure(error, cancelled);
    const owned = fence;
    if (owned !== null) {
      const close = { fence: owned, state: cancelled ? 'cancelled' : 'failed', failure } as const;
      // Where it cannot be closed, the lease is another's, or the sweeper settles it; why this run ended stays as it is.
      await CancellationScope.nonCancellable(() => activities.close(close).catch(() => undefined));
    }
    end(cancelled ? 'cancelled' : 'failed');
    if (cancelled) throw isCancellation(error) ? error : new CancelledFailure(failure.message);
    throw toRunFailure(failure);
  }
}

function toResult(
  state: 'done' | 'partial',
  manifestHash: string,
  planHash: string,
  skipped: number,
  counts: CopyCounts,
  failed: number,
): RunResult {
  return { state, manifestHash, planHash, copied: counts.copied, skipped, adopted: counts.adopted, failed };
}
