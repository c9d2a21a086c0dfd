/** One Postgres and one Temporal for all test files that do not stop theirs: a database and a task queue of its own keep each file apart. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { findFreePorts } from '../../dev/free-port.ts';
import { startPostgres } from '../../dev/postgres.ts';
import { startTemporal } from '../../dev/temporal.ts';

export interface SharedServers {
  /** Told to every test file. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export async function startSharedServers(dir: string, say: (line: string) => void): Promise<SharedServers> {
  await mkdir(dir, { recursive: true });
  const [port = 0, uiPort = 0, metricsPort = 0] = await findFreePorts(3);
  const logFile = path.join(dir, 'temporal.log');
  const started = await Promise.allSettled([
    startPostgres({ dataDir: path.join(dir, 'postgres'), fast: true }),
    startTemporal({ port, uiPort, metricsPort, databaseFile: null, logFile, fast: true, say }),
  ]);
  const [postgres, temporal] = started;
  const stop = async (): Promise<void> => {
    if (temporal.status === 'fulfilled') await temporal.value.child?.stop();
    if (postgres.status === 'fulfilled') await postgres.value.stop();
  };
  if (postgres.status === 'rejected' || temporal.status === 'rejected') {
    await stop();
    throw started.find(({ status }) => status === 'rejected') as unknown;
  }
  return {
    env: { WAYBILL_TEST_POSTGRES_URL: postgres.value.url, WAYBILL_TEST_TEMPORAL_ADDRESS: temporal.value.address },
    stop,
  };
}
