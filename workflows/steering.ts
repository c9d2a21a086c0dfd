/**
 * What people see of a run while it goes on, and what they ask of it: its progress (the query, the Temporal UI, search attributes),
 * pause and resume, and how many batches are in flight. A checkpoint carries what was asked into the next history.
 */
import { condition, defineQuery, defineSignal, setHandler } from '@temporalio/workflow';
import { RUN_CONCURRENCY_MAX } from '../core/limits.ts';
import type { LiveState, RunState } from '../core/run-state.ts';
import { QUERIES, SIGNALS } from '../core/wire-names.ts';
import { NO_COUNTS } from './counts.ts';
import { show, showState } from './operator-view.ts';
import type { Progress, RunInput } from './types.ts';

const pauseSignal = defineSignal(SIGNALS.pause);
const resumeSignal = defineSignal(SIGNALS.resume);
const setConcurrencySignal = defineSignal<[number]>(SIGNALS.setConcurrency);
const progressQuery = defineQuery<Progress>(QUERIES.progress);

export interface Steering {
  /** What was asked for, as it stands now. */
  asked(): { readonly paused: boolean; readonly concurrency: number };
  /** The pipeline's word, which counts unless a person said another before. */
  suggestConcurrency(batches: number): void;
  untilResumed(): Promise<void>;
  progress(): Progress;
  report(change: Partial<Progress>): void;
  /** The next phase of a live run. */
  enter(phase: LiveState, change?: Partial<Progress>): void;
  end(state: RunState): void;
}

export function createSteering(input: RunInput): Steering {
  const { resume } = input;
  let paused = resume?.paused ?? false;
  let concurrency = resume?.concurrency ?? 1;
  let isConcurrencyAsked = false;
  let phase: LiveState = resume === undefined ? 'accepted' : 'copying';
  let progress: Progress = {
    state: phase,
    attempt: resume?.attempt ?? 0,
    paused,
    concurrency,
    manifest: resume?.manifest ?? null,
    plan: resume?.plan ?? null,
    batchesDone: resume === undefined ? 0 : resume.nextOrdinal - resume.unfinished.length,
    counts: resume?.counts ?? NO_COUNTS,
  };
  const report = (change: Partial<Progress>): void => {
    progress = { ...progress, ...change, paused, concurrency, state: paused ? 'paused' : phase };
    show(input, progress);
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
  if (resume !== undefined) report({});

  return {
    asked: () => ({ paused, concurrency }),
    suggestConcurrency(batches) {
      if (!isConcurrencyAsked) concurrency = batches;
    },
    untilResumed: () => condition(() => !paused),
    progress: () => progress,
    report,
    enter(next, change = {}) {
      phase = next;
      report(change);
      showState(input, progress);
    },
    end(state) {
      progress = { ...progress, state };
      show(input, progress);
      showState(input, progress);
    },
  };
}
