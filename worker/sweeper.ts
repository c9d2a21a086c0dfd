/**
 * Clears up after attempts that died without a word: terminated workflows run no clean-up. It settles them, which frees their target's
 * lease, and aborts the uploads that they left open. Every worker runs one; all of it may be done twice.
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
  readonly logger: Logger;
}

export interface Sweeper {
  /** One round; failures are logged, and the next round tries again. */
  sweep(): Promise<void>;
  stop(): Promise<void>;
}

export function startSweeper(options: SweeperOptions): Sweeper {
  const { logger } = options;
  let round = Promise.resolve();
  const sweep = (): Promise<void> => {
    round = round.then(async () => {
      await settleDead(options).catch((error: unknown) =>
        logger.warn({ cause: String(error) }, 'attempts could not be swept'),
      );
      await abortLeftOpen(options).catch((error: unknown) =>
        logger.warn({ cause: String(error) }, 'uploads could not be swept'),
      );
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

/** Attempts that the ledger holds live and that no workflow carries out. */
async function settleDead({ ledger, control, logger }: SweeperOptions): Promise<void> {
  for (const run of await ledger.listLiveAttempts()) {
    const became = await reviveOrSettle({ ledger, control }, run);
    if (became === 'alive') continue;
    logger.warn(
      { run: run.id, pipeline: run.pipeline, runId: run.runId },
      `an attempt without a workflow is ${became}`,
    );
  }
}

/**
 * Only after a heartbeat time-out: an execution that does not know yet that its attempt is dead may be creating an upload just now.
 * Each is looked at again right before, for a new attempt may have taken it over while others were aborted.
 */
async function abortLeftOpen({ ledger, openStore, logger, heartbeatTimeoutMs }: SweeperOptions): Promise<void> {
  const listDead = () => ledger.listOpenUploads({ deadOnly: true, quietMs: heartbeatTimeoutMs });
  for (const upload of await listDead()) {
    if (!(await listDead()).some(({ uploadId }) => uploadId === upload.uploadId)) continue;
    const store = openStore(upload.location.store, () => undefined);
    await abortUpload(store, upload);
    await ledger.forgetUpload(upload.uploadId);
    logger.info({ key: upload.key }, 'an upload of a dead attempt is aborted');
  }
}
