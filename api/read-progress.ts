/**
 * How far a live run is. The workflow is asked first; when no worker answers at once, what the batches have committed so far is
 * read from the ledger, so that a reader never waits long for a run whose worker is away.
 */
import type { OutcomeCode } from '../core/outcomes.ts';
import { isClosed } from '../core/run-state.ts';
import type { Ledger, RunRecord } from '../ledger/ledger.ts';
import type { Progress } from '../workflows/types.ts';
import type { RunControl } from '../control/run-control.ts';

export type RunProgress =
  | { readonly source: 'workflow'; readonly progress: Progress }
  | { readonly source: 'ledger'; readonly outcomes: Readonly<Partial<Record<OutcomeCode, number>>> };

/** Longer than the control's own limit: only a control that breaks its word is cut off here. */
const LIMIT_MS = 900;

/** Null for a run that is closed. @throws ledger_unavailable */
export async function readProgress(ledger: Ledger, control: RunControl, run: RunRecord): Promise<RunProgress | null> {
  if (isClosed(run.attempt.state)) return null;
  const progress = await withinLimit(control.progress(run));
  // One workflow id serves all attempts: an earlier attempt's workflow still answers, about itself.
  if (progress !== null && (progress.attempt === run.attempt.number || progress.attempt === 0)) {
    return { source: 'workflow', progress };
  }
  const { outcomes } = await ledger.loadProgress(run.attempt.attemptId);
  return { source: 'ledger', outcomes };
}

async function withinLimit<T>(promise: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, LIMIT_MS, null);
  });
  try {
    return await Promise.race([promise.catch(() => null), limit]);
  } finally {
    clearTimeout(timer);
  }
}
