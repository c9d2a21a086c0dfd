/** `waybill worker`: carry out runs. */
import { Command } from 'commander';
import { pino } from 'pino';
import { loadConfig } from '../config/load-config.ts';
import { runWorker } from '../worker/run-worker.ts';

export function buildWorkerCommand(): Command {
  return new Command('worker')
    .description('carry out runs: list, manifest, plan, copy, finalize')
    .requiredOption('--config <file>', 'the configuration')
    .option('--log-level <level>', 'trace, debug, info, warn, error or silent', 'info')
    .action(async (options: { config: string; logLevel: string }) => {
      const config = await loadConfig(options.config);
      const logger = pino(
        { level: options.logLevel, base: { service: 'worker', pid: process.pid } },
        pino.destination(2),
      );
      const worker = await runWorker(config, logger);
      process.stdout.write(`waybill worker: running on task queue ${config.temporal.taskQueue}\n`);
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => worker.stop());
      await worker.stopped;
    });
}
