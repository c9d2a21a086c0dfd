/** How long a request that failed waits before it is sent again, and when it is not. */
import type { WaybillError } from '../../core/failures.ts';

const TRIES = 3;
/** A store that asks to slow down gets the time that it takes, as long as the others' answers come. */
const TRIES_SLOW_DOWN = 8;
const PAUSE_MS = 100;
/** A longer Retry-After is left to Temporal, rather than hold the activity. */
const PAUSE_MS_MAX = 5000;

/** Null: it is not sent again. */
export function pauseMsAfter({ type, retryAfterMs }: WaybillError, tries: number): number | null {
  if (type === 'heartbeat_lost' || type === 'ledger_unavailable') return null;
  if (tries >= (type === 'store_slow_down' ? TRIES_SLOW_DOWN : TRIES)) return null;
  if (retryAfterMs !== undefined) return retryAfterMs > PAUSE_MS_MAX ? null : retryAfterMs;
  return Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** tries) * (0.5 + Math.random());
}
