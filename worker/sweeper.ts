/**
 * Clears up after attempts that died without a word: terminated workflows run no clean-up. It settles them, which frees their target's
 * lease, and aborts the uploads that they left open. It also prunes what is kept of attempts that ended long ago. Every worker runs one;
 * all of it may be done twice.
 */
import type { Logger } from 'pino';
import { abortUpload } from '../activities/copy/abort-upload.ts';
import type { ActivityDeps } from '../activities/runtime.ts';
import type { RunControl } from '../control/run-control.ts';
import { reviveOrSettle } from '../control/settle-dead.ts';
import type { Ledger } from '../ledger/ledger.ts';

export interface SweeperOptions {
  readonly ledger: Ledger;
  readonly control: Pick<RunControl, 'look' | 'start'>;
  readonly openStore: ActivityDeps['openStore'];
  readonly intervalMs: number;
  readonly heartbeatTimeoutMs: number;
  readonly retentionMs: number;
  /** Of pipelines that have one of their own. */
  readonly pipelineRetentionMs: ReadonlyMap<string, number>;
  readonly logger: Logger;
}

export interface Sweeper {
  /** One round, or the one that is under way; failures are logged, and the next round tries again. */
  sweep(): Promise<void>;
  stop(): Promise<void>;
}

export function startSweeper(options: SweeperOptions): Sweeper {
  const { logger } = options;
  let round: Promise<void> | null = null;
  const sweepOnce = async (): Promise<void> => {
    await settleDead(options).catch((error: unknown) =>
      logger.warn({ cause: String(error) }, 'attempts could not be swept'),
    );
    await abortLeftOpen(options).catch((error: unknown) =>
      logger.warn({ cause: String(error) }, 'uploads could not be swept'),
    );
    await prune(options).catch((error: unknown) =>
      logger.warn({ cause: String(error) }, 'old attempts could not be pruned'),
    );
  };
  const sweep = (): Promise<void> => {
    round ??= sweepOnce().finally(() => {
      round = null;
    });
    return round;
  };
  const timer = setInterval(() => void sweep(), options.intervalMs);
  return {
    sweep,
    async stop() {
      clearInterval(timer);
      await round;
    },
  };
}

/** A few a round: dropping the chunks of ten million objects takes Postgres seconds, and nobody waits for it. */
const PRUNED_AT_ONCE = 10;

async function prune({ ledger, retentionMs, pipelineRetentionMs, logger }: SweeperOptions): Promise<void> {
  const attempts = await ledger.prune({ retentionMs, pipelineRetentionMs, attemptsMax: PRUNED_AT_ONCE });
  if (attempts > 0) logger.info({ attempts }, 'what was kept of old attempts is pruned');
}

/** Attempts that the ledger holds live and that no workflow carries out. */
async function settleDead({ ledger, control, logger }: SweeperOptions): Promise<void> {
  for (const run of await ledger.listLiveAttempts()) {
    const { pipeline, runId } = run;
    try {
      const became = await reviveOrSettle({ ledger, control }, run);
      if (became !== 'alive')
        logger.warn({ run: run.id, pipeline, runId }, `an attempt without a workflow is ${became}`);
    } catch (error) {
      logger.warn({ run: run.id, pipeline, runId, cause: String(error) }, 'an attempt could not be looked after');
    }
  }
}

/**
 * Only after a heartbeat time-out: an execution that does not know yet that its attempt is dead may be creating an upload just now.
 * Each is condemned right before it is aborted, for a new attempt may have taken it over while others were. What cannot be aborted,
 * such as one at a store that the configuration has no more, stays on record and does not keep the others.
 */
async function abortLeftOpen({
  ledger,
  openStore,
  logger,
  heartbeatTimeoutMs: quietMs,
}: SweeperOptions): Promise<void> {
  for (const upload of await ledger.listOpenUploads({ deadOnly: true, quietMs })) {
    const { uploadId, key, location } = upload;
    try {
      if (!(await ledger.condemnUpload(uploadId, quietMs))) continue;
      await abortUpload(
        openStore(location.store, () => undefined, null),
        upload,
      );
      await ledger.forgetUpload(uploadId);
      logger.info({ ...location, key }, 'an upload of a dead attempt is aborted');
    } catch (error) {
      logger.warn({ ...location, key, cause: String(error) }, 'an upload of a dead attempt could not be aborted');
    }
  }
}
