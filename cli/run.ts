/** `waybill run PIPELINE`: start a run through the API. */
import { Command } from 'commander';
import { findApi, type RunJson, type StartedJson } from './api-client.ts';
import { followRun, followVerification } from './follow-run.ts';
import { printRun } from './print-run.ts';

interface RunOptions {
  readonly runId?: string;
  readonly plan: boolean;
  readonly again: boolean;
  readonly wait: boolean;
  readonly json: boolean;
}

const FAILED = 1;
const PARTIAL = 3;

export function buildRunCommand(): Command {
  return new Command('run')
    .description('start a run of a pipeline through the API (WAYBILL_URL, WAYBILL_TOKEN)')
    .argument('<pipeline>', 'its name')
    .option('--run-id <id>', 'the logical run: 1-128 of A-Z a-z 0-9 . _ : + -; made once when it is not given')
    .option('--plan', 'report what a run would do, and write nothing', false)
    .option('--again', 'a new attempt, even where the run is done', false)
    .option('--wait', 'wait until it has ended; exit 0 done, 1 failed, 3 partial', false)
    .option('--json', 'print the run as JSON', false)
    .option('--config <file>', 'not used: the API has the configuration')
    .action(async (pipeline: string, options: RunOptions) => {
      const api = findApi();
      const started = await api.send<StartedJson>('POST', '/v1/runs', {
        pipeline,
        ...(options.runId === undefined ? {} : { run_id: options.runId }),
        ...(options.plan ? { plan: true } : {}),
        ...(options.again ? { again: true } : {}),
      });
      let run: RunJson = started;
      if (options.wait) {
        run = started.verifying
          ? await followVerification(api, started, options.json)
          : await followRun(api, started.id, options.json);
      }
      process.stdout.write(options.json ? `${JSON.stringify(run, null, 2)}\n` : printRun(run));
      if (options.wait) process.exitCode = toExitCode(run, started.verifying);
    });
}

/** A done run whose target no longer holds what it delivered is partial: `--again` mends it. */
export function toExitCode(run: RunJson, verified: boolean): number {
  if (verified && run.verification?.state === 'lost') return PARTIAL;
  if (verified && run.verification?.state === 'failed') return FAILED;
  if (run.state === 'done') return 0;
  return run.state === 'partial' ? PARTIAL : FAILED;
}
