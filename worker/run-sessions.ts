/**
 * The sessions that a worker holds: one for each attempt and store, asked for when the first request needs it.
 *
 * - One is asked for once, however many requests wait for it.
 * - The last fifth of its time it is still used while the next is being asked for, so that no request waits, and a gateway that is
 *   away for a moment is not noticed.
 * - It is not used for the margin before its end: a request that was signed may still wait for a connection.
 * - It lives in this process's memory alone.
 */
import type { Credentials } from '../sigv4/types.ts';
import type { Session } from './ask-session.ts';

export interface RunSessionsOptions {
  readonly ask: (attemptId: string, store: string) => Promise<Session>;
  /** Milliseconds of a clock that nobody sets. */
  readonly elapsedMs: () => number;
  /** The longest between signing a request and its arrival at the gateway. */
  readonly marginMs: number;
  /** A renewal that failed while the session still holds. */
  readonly onRenewalFailed: (attemptId: string, store: string, error: unknown) => void;
}

export interface RunSessions {
  /** At once while there is one. @throws what `ask` throws, when there is none to go on with */
  credentials(attemptId: string, store: string): Credentials | Promise<Credentials>;
}

interface Held {
  credentials: Credentials | null;
  renewAtMs: number;
  endsAtMs: number;
  pending: Promise<Credentials> | null;
}

const RENEWED_AFTER = 0.8;
/** Of its time; a session that is shorter than four margins is used for three quarters of it. */
const MARGIN_MAX = 0.25;
const RENEWAL_PAUSE_MS = 5_000;

export function createRunSessions(options: RunSessionsOptions): RunSessions {
  const { ask, elapsedMs, marginMs } = options;
  const sessions = new Map<string, Held>();

  const renew = (held: Held, attemptId: string, store: string): Promise<Credentials> => {
    held.pending ??= (async () => {
      const askedAtMs = elapsedMs();
      try {
        const { credentials, lifetimeMs } = await ask(attemptId, store);
        const usableMs = lifetimeMs - Math.min(marginMs, lifetimeMs * MARGIN_MAX);
        held.credentials = credentials;
        held.endsAtMs = askedAtMs + usableMs;
        held.renewAtMs = askedAtMs + Math.min(usableMs, lifetimeMs * RENEWED_AFTER);
        return credentials;
      } finally {
        held.pending = null;
      }
    })();
    return held.pending;
  };

  const renewBehind = (held: Held, attemptId: string, store: string): void => {
    if (held.pending !== null) return;
    renew(held, attemptId, store).catch((error: unknown) => {
      held.renewAtMs = elapsedMs() + RENEWAL_PAUSE_MS;
      options.onRenewalFailed(attemptId, store, error);
    });
  };

  /** Attempts end without telling: what is over when a new one begins is let go. */
  const dropEnded = (nowMs: number): void => {
    for (const [name, held] of sessions) if (held.pending === null && nowMs >= held.endsAtMs) sessions.delete(name);
  };

  return {
    credentials(attemptId, store) {
      const name = `${attemptId}/${store}`;
      const nowMs = elapsedMs();
      let held = sessions.get(name);
      if (held === undefined) {
        dropEnded(nowMs);
        held = { credentials: null, renewAtMs: 0, endsAtMs: 0, pending: null };
        sessions.set(name, held);
      }
      if (held.credentials === null || nowMs >= held.endsAtMs) return renew(held, attemptId, store);
      if (nowMs >= held.renewAtMs) renewBehind(held, attemptId, store);
      return held.credentials;
    },
  };
}
