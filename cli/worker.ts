/** `waybill worker`: carry out runs, in as many processes as the configuration says. */
import { Command, Option } from 'commander';
import { pino } from 'pino';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load-config.ts';
import { toExitCode } from './exit-code.ts';
import { printFailure } from './print-failure.ts';
import { obeyParent } from '../worker/obey-parent.ts';
import { runProcesses } from '../worker/run-processes.ts';
import { runWorker, type RunningWorker } from '../worker/run-worker.ts';

interface Options {
  readonly config: string;
  readonly logLevel: string;
  readonly oneOfSeveral?: boolean;
}

export function buildWorkerCommand(): Command {
  return new Command('worker')
    .description('carry out runs: list, manifest, plan, copy, finalize')
    .requiredOption('--config <file>', 'the configuration')
    .option('--log-level <level>', 'trace, debug, info, warn, error or silent', 'info')
    .addOption(new Option('--one-of-several', 'one process of a worker that has several').hideHelp())
    .action(async (options: Options) => {
      const config = await loadConfig(options.config);
      const processes = config.worker?.processes ?? 1;
      if (processes > 1 && options.oneOfSeveral !== true) await runAll(config, processes);
      else await runOne(config, options);
    });
}

async function runOne(config: Config, options: Options): Promise<void> {
  const isAlone = options.oneOfSeveral !== true;
  const logger = pino({ level: options.logLevel, base: { service: 'worker', pid: process.pid } }, pino.destination(2));
  // Several cannot listen on one address: the process that started them does.
  const { worker: settings } = config;
  const worker = await runWorker(
    isAlone || settings === null ? config : { ...config, worker: { ...settings, metricsListen: null } },
    logger,
  );
  const stop = createStop(worker);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop);
  if (isAlone) process.stdout.write(`waybill worker: running on task queue ${config.temporal.taskQueue}\n`);
  else obeyParent(worker, stop);
  await worker.stopped.catch((error: unknown) => {
    // What failed may hold the process up, and a process that carries out nothing must not look as if it did.
    process.stderr.write(printFailure(error));
    process.exit(toExitCode(error));
  });
}

/** A worker that is told twice, by the terminal and by its parent, stops once. */
function createStop(worker: RunningWorker): () => void {
  let isStopping = false;
  return () => {
    if (!isStopping) worker.stop();
    isStopping = true;
  };
}

async function runAll(config: Config, count: number): Promise<void> {
  const running = runProcesses({
    count,
    program: process.argv[1] ?? '',
    args: [...process.argv.slice(2), '--one-of-several'],
    metricsListen: config.worker?.metricsListen ?? null,
    onReady: () =>
      process.stdout.write(
        `waybill worker: running on task queue ${config.temporal.taskQueue}, in ${count} processes\n`,
      ),
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => running.stop());
  process.exitCode = await running.stopped;
}
