/**
 * Starts what was accepted and not started: the API was killed between the two, or Temporal was down. It looks at its start and then
 * every five seconds. Several may run at once, since starting a run twice finds it.
 */
import type { Logger } from 'pino';
import type { Ledger, RunRecord } from '../ledger/ledger.ts';
import type { ApiMetrics } from './metrics.ts';
import type { RunControl } from '../control/run-control.ts';
import { reviveOrSettle } from '../control/settle-dead.ts';

const INTERVAL_MS = 5000;
/** Younger ones are being started by the request that made them. */
const AGE_MS = 2000;

export interface ReconcilerDeps {
  readonly ledger: Pick<Ledger, 'listLiveAttempts' | 'loadRun' | 'settleDeadAttempt'>;
  readonly control: Pick<RunControl, 'look' | 'start'>;
  readonly logger: Logger;
  readonly metrics: Pick<ApiMetrics, 'reconciled' | 'settled'>;
}

export class Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #intervalMs: number;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;
  #stopped = false;
  /** Attempts seen at the last look: the database's clock may be ahead of ours, and their age then never shows. */
  #seen: ReadonlySet<string> = new Set();

  constructor(deps: ReconcilerDeps, intervalMs = INTERVAL_MS) {
    this.#deps = deps;
    this.#intervalMs = intervalMs;
  }

  start(): void {
    const next = (): void => {
      if (this.#stopped) return;
      this.#timer = setTimeout(next, this.#intervalMs);
      this.#timer.unref();
      this.#running ??= this.look().finally(() => (this.#running = null));
    };
    next();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#running;
  }

  /** One look at everything that is live. It never fails: what could not be done now is found again. */
  async look(): Promise<void> {
    const { ledger, logger, metrics } = this.#deps;
    try {
      const accepted = (await ledger.listLiveAttempts()).filter(({ attempt }) => attempt.state === 'accepted');
      const due = accepted.filter((run) => this.#isDue(run));
      this.#seen = new Set(accepted.map(({ attempt }) => attempt.attemptId));
      for (const run of due) {
        const fate = await reviveOrSettle(this.#deps, run);
        if (fate === 'alive') continue;
        (fate === 'started' ? metrics.reconciled : metrics.settled).inc();
        logger.info({ run: run.id, pipeline: run.pipeline, run_id: run.runId }, `an accepted run was ${fate}`);
      }
    } catch (error) {
      logger.warn({ err: error }, 'accepted runs could not be looked at; trying again');
    }
  }

  #isDue({ attempt }: RunRecord): boolean {
    return Date.now() - Date.parse(attempt.acceptedAt) >= AGE_MS || this.#seen.has(attempt.attemptId);
  }
}
