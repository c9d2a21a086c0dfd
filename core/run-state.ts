/**
 * The states of a run. An attempt moves along `accepted → listing → planning → copying → finalizing → done`; any live state may pause,
 * and any may end. A workflow that is reset begins again, so a live attempt may go back to listing. A plan without a run ends from
 * `planning`. `paused` remembers nothing: the workflow knows where it stood.
 */
export const LIVE_STATES = ['accepted', 'listing', 'planning', 'copying', 'paused', 'finalizing'] as const;
export const CLOSED_STATES = ['done', 'partial', 'failed', 'cancelled'] as const;

export type LiveState = (typeof LIVE_STATES)[number];
export type ClosedState = (typeof CLOSED_STATES)[number];
export type RunState = LiveState | ClosedState;

const NEXT: Record<RunState, readonly RunState[]> = {
  accepted: ['listing', 'paused', 'failed', 'cancelled'],
  listing: ['planning', 'paused', 'failed', 'cancelled'],
  planning: ['listing', 'copying', 'finalizing', 'paused', 'done', 'failed', 'cancelled'],
  copying: ['listing', 'finalizing', 'paused', 'partial', 'failed', 'cancelled'],
  paused: ['listing', 'planning', 'copying', 'finalizing', 'failed', 'cancelled'],
  finalizing: ['listing', 'done', 'partial', 'paused', 'failed', 'cancelled'],
  done: [],
  partial: [],
  failed: [],
  cancelled: [],
};

export const isClosed = (state: RunState): state is ClosedState => (CLOSED_STATES as readonly string[]).includes(state);
export const isRunState = (value: unknown): value is RunState =>
  typeof value === 'string' && Object.hasOwn(NEXT, value);

/** True when `to` may follow `from`. Staying is always allowed: activities are repeated. */
export const mayFollow = (from: RunState, to: RunState): boolean => from === to || NEXT[from].includes(to);
