/** `waybill api`: the REST API. It keeps no state; any number of them may run. */
import { Command } from 'commander';
import { pino } from 'pino';
import { startApi } from '../api/start-api.ts';
import { TemporalRunControl } from '../control/temporal-run-control.ts';
import { loadConfig } from '../config/load-config.ts';
import { resolveSecret } from '../config/resolve-secret.ts';
import { API_DEFAULTS } from '../config/to-api.ts';
import { isWaybillError, WaybillError } from '../core/failures.ts';
import { createPostgresLedger } from '../ledger/postgres/create-postgres-ledger.ts';
import { printFailure } from './print-failure.ts';

const POOL_MAX = 10;
const REFUSED = 4;
/** The worker's default, for a configuration that has no worker section. */
const HEARTBEAT_TIMEOUT_MS = 60_000;

export function buildApiCommand(): Command {
  return new Command('api')
    .description('serve the REST API')
    .requiredOption('--config <file>', 'the configuration')
    .option('--log-level <level>', 'trace, debug, info, warn, error or silent', 'info')
    .action(async (options: { config: string; logLevel: string }) => {
      try {
        await serveApi(options);
      } catch (error) {
        if (!isWaybillError(error) || error.type !== 'port_in_use') throw error;
        process.stderr.write(printFailure(error));
        process.exitCode = REFUSED;
      }
    });
}

/** Serves until SIGTERM or SIGINT, then lets the requests in flight end. @throws invalid_config, port_in_use */
async function serveApi(options: { config: string; logLevel: string }): Promise<void> {
  const config = await loadConfig(options.config);
  if (config.database === null) {
    throw new WaybillError(
      'invalid_config',
      `${options.config}: the API needs database, for example env:WAYBILL_DATABASE_URL`,
    );
  }
  const logger = pino({ level: options.logLevel, base: { service: 'api', pid: process.pid } }, pino.destination(2));
  const ledger = createPostgresLedger({ url: await resolveSecret(config.database), poolMax: POOL_MAX, logger });
  const control = new TemporalRunControl({
    temporal: config.temporal,
    heartbeatTimeoutMs: config.worker?.heartbeatTimeoutMs ?? HEARTBEAT_TIMEOUT_MS,
  });
  try {
    const api = await startApi({ api: config.api ?? API_DEFAULTS, ledger, control, config, logger });
    const ended = waitForSignal();
    process.stdout.write(`waybill api: listening on ${api.url} docs=${api.url}/docs\n`);
    logger.info({ signal: await ended }, 'draining');
    await api.close();
  } finally {
    await Promise.all([control.close(), ledger.close()]);
  }
}

function waitForSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
}
