/** `waybill gateway`: the boundary that holds the providers' credentials. */
import { Command, Option } from 'commander';
import { pino } from 'pino';
import type { Logger } from 'pino';
import { loadConfig } from '../config/load-config.ts';
import { resolveSecret } from '../config/resolve-secret.ts';
import { runGateway } from '../gateway/run-gateway.ts';
import type { RunningGateway } from '../gateway/run-gateway.ts';

export interface GatewayCommandOptions {
  readonly config: string;
  readonly logLevel: string;
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/**
 * The command, to be added to the program. It ends when SIGTERM or SIGINT has been served; failures are thrown as WaybillError:
 * invalid_config (exit 2), port_in_use (exit 4).
 */
export function buildGatewayCommand(): Command {
  return new Command('gateway')
    .description('verify the signatures of workloads and sign their requests for the providers')
    .option('--config <file>', 'the configuration', 'waybill.yaml')
    .addOption(new Option('--log-level <level>', 'on stderr').choices(LOG_LEVELS).default('info'))
    .action((options: GatewayCommandOptions) => serveGateway(options));
}

/**
 * Serves until a signal ends it, then lets what is in flight end; at each SIGHUP the configuration is read again.
 * @throws invalid_config, port_in_use
 */
export async function serveGateway(options: GatewayCommandOptions): Promise<void> {
  const config = await loadConfig(options.config);
  const logger = pino(
    { level: options.logLevel, base: { service: 'gateway' } },
    // A write for each line costs more than the line; what waits is written at the exit too.
    pino.destination({ dest: 2, sync: false, minLength: 12_288, periodicFlush: 100 }),
  );
  // From the first moment on: unheard, the signal would end the process.
  let running: RunningGateway | null = null;
  process.on('SIGHUP', () => {
    if (running !== null) void reload(options.config, running, logger);
  });
  const gateway = await runGateway(config, { logger, resolveSecret });
  running = gateway;
  const ended = waitForSignal();
  if (gateway.adminUrl !== null) logger.info({ url: gateway.adminUrl }, 'admin');
  process.stdout.write(`waybill gateway: listening on ${gateway.url} stores=${gateway.stores.join(',')}\n`);
  const signal = await ended;
  logger.info({ signal }, 'draining');
  await gateway.close();
}

/** Refused whole when anything in it is wrong; the gateway then goes on as before. */
async function reload(file: string, gateway: RunningGateway, logger: Logger): Promise<void> {
  try {
    await gateway.reload(await loadConfig(file));
  } catch (error) {
    logger.error({ err: error }, 'the new configuration is refused; the old one stays in use');
  }
}

function waitForSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
}
