/** Wires a worker: ledger, stores through the gateway, activities, schedules and the sweeper. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import type { Logger } from 'pino';
import { AdaptiveLimiter } from '../activities/copy/adaptive-limiter.ts';
import { ByteBudget } from '../activities/copy/byte-budget.ts';
import { createActivities } from '../activities/index.ts';
import { TemporalRunControl } from '../control/temporal-run-control.ts';
import type { Config } from '../config/config.ts';
import { resolveSecret } from '../config/resolve-secret.ts';
import { WaybillError } from '../core/failures.ts';
import { COPY_CONCURRENCY } from '../core/limits.ts';
import { createPostgresLedger } from '../ledger/postgres/create-postgres-ledger.ts';
import { openSlowDownChannel } from '../ledger/postgres/slow-down-channel.ts';
import { createCheckEncryption } from './ask-kms-alias.ts';
import { createExecutor } from './activity-executor.ts';
import { checkSearchAttributes } from './check-search-attributes.ts';
import { createTaskWorkers } from './create-task-workers.ts';
import { installRuntime } from './install-runtime.ts';
import { createWorkerMetrics, serveMetrics } from './metrics.ts';
import { createLeaveAsyncContext } from './leave-async-context.ts';
import { openStores } from './open-stores.ts';
import { startSweeper } from './sweeper.ts';
import { syncSchedules } from './sync-schedules.ts';

/** Postgres sessions of one worker, beside the one that hears others: one for each activity that commits, and some to read pages with. */
const LEDGER_POOL = 12;
/** A connection to Temporal that a failed worker still holds does not close. */
const CLOSED_WITHIN_MS = 15_000;

export interface RunningWorker {
  /** Resolves when the worker has shut down; rejects when it failed. */
  readonly stopped: Promise<void>;
  readonly printMetrics: () => Promise<string>;
  stop(): void;
}

/**
 * @param open the way to the stores; bench/ measures another beside it
 * @throws invalid_config, temporal_unavailable, ledger_unavailable, port_in_use; what was opened is closed again then
 */
export async function runWorker(config: Config, logger: Logger, open = openStores): Promise<RunningWorker> {
  const { worker: settings, temporal } = config;
  if (settings === null) throw new WaybillError('invalid_config', 'worker: is missing');
  if (config.database === null) throw new WaybillError('invalid_config', 'database: is missing');
  const runtime = await installRuntime(logger);
  const closing: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const end of closing.splice(0).reverse()) {
      await end().catch((error: unknown) => logger.warn({ cause: String(error) }, 'something could not be closed'));
    }
  };
  try {
    const connection = await connect(temporal.address);
    closing.push(() => connection.close());
    await checkSearchAttributes(connection, temporal.namespace);
    const url = await resolveSecret(config.database);
    const ledger = createPostgresLedger({ url, poolMax: LEDGER_POOL, logger });
    closing.push(() => ledger.close());
    await ledger.ping();
    const client = new Client({ connection, namespace: temporal.namespace });
    const stores = await open(config, settings, { ledger, logger });
    closing.push(() => stores.close());
    const metrics = createWorkerMetrics(runtime.readMetrics);
    const { heartbeatTimeoutMs } = settings;
    const limiter = new AdaptiveLimiter({
      ...{ min: 2, start: COPY_CONCURRENCY, max: 4 * COPY_CONCURRENCY },
      onSlowDown: (stores) => slowDowns.tell(stores),
    });
    const slowDowns = openSlowDownChannel({ url, onTold: (stores) => limiter.heardSlowDown(stores), logger });
    closing.push(() => slowDowns.close());
    metrics.watch({ copyLimit: () => limiter.limit });
    // Before anything is changed at Temporal: a worker that cannot start leaves no trace.
    if (settings.metricsListen !== null) {
      const server = await serveMetrics(settings.metricsListen, metrics);
      closing.push(() => server.close());
    }
    await syncSchedules({
      client,
      pipelines: config.pipelines,
      taskQueue: temporal.taskQueue,
      heartbeatTimeoutMs,
      logger,
    });

    const activities = createActivities(
      {
        ledger,
        openStore: stores.openStore,
        storeFacts: stores.storeFacts,
        checkEncryption: createCheckEncryption(config, settings),
        heartbeatTimeoutMs,
        memory: new ByteBudget(settings.memoryBytes),
        limiter,
      },
      createExecutor({
        ...{ client, heartbeatTimeoutMs, logger, onActivity: metrics.observeActivity },
        leaveContext: createLeaveAsyncContext(connection),
      }),
      (name) => {
        const spec = config.pipelines.get(name);
        if (spec === undefined) throw new WaybillError('unknown_pipeline', `pipelines: has no ${name}`);
        return spec;
      },
    );
    const workers = await createTaskWorkers({
      ...{ connection, namespace: temporal.namespace, taskQueue: temporal.taskQueue, activities },
      requestLimitMs: settings.requestLimitMs,
      hasRoomForCopies: () => limiter.hasRoom,
    });
    const control = new TemporalRunControl({ temporal, heartbeatTimeoutMs });
    closing.push(() => control.close());
    const sweeper = startSweeper({
      ledger,
      control,
      openStore: stores.openStore,
      intervalMs: settings.sweepIntervalMs,
      retentionMs: settings.retentionMs,
      pipelineRetentionMs: config.pipelineRetentionMs,
      heartbeatTimeoutMs,
      logger,
    });
    closing.push(() => sweeper.stop());
    return {
      stopped: workers.run().finally(() => Promise.race([close(), sleep(CLOSED_WITHIN_MS, undefined, { ref: false })])),
      printMetrics: () => metrics.print(),
      stop: () => workers.shutdown(),
    };
  } catch (error) {
    // Open connections would keep the process alive, and say nothing.
    await close();
    throw error;
  }
}

async function connect(address: string): Promise<NativeConnection> {
  try {
    return await NativeConnection.connect({ address });
  } catch (cause) {
    throw new WaybillError('temporal_unavailable', 'Temporal cannot be reached', { address }, { cause });
  }
}
