/** `waybill runs list|show|pause|resume|cancel`. */
import { Command } from 'commander';
import { findApi, type RunJson } from './api-client.ts';
import { printRun } from './print-run.ts';
import { printTable } from './print-table.ts';

interface ListJson {
  readonly items: readonly RunJson[];
  readonly next_cursor: string | null;
}

export function buildRunsCommand(): Command {
  const runs = new Command('runs').description('list and show runs; pause, resume and cancel them');
  runs
    .command('list')
    .description('the newest runs')
    .option('--pipeline <name>', 'of one pipeline')
    .option('--state <state>', 'in one state')
    .option('--limit <count>', 'at most this many', '20')
    .option('--json', 'print them as JSON', false)
    .action(async (options: { pipeline?: string; state?: string; limit: string; json: boolean }) => {
      const query = new URLSearchParams({ limit: options.limit });
      if (options.pipeline !== undefined) query.set('pipeline', options.pipeline);
      if (options.state !== undefined) query.set('state', options.state);
      const page = await findApi().send<ListJson>('GET', `/v1/runs?${query.toString()}`);
      process.stdout.write(options.json ? `${JSON.stringify(page, null, 2)}\n` : printRuns(page.items));
    });
  runs
    .command('show')
    .description('one run, by its id')
    .argument('<id>')
    .option('--json', 'print it as JSON', false)
    .action(async (id: string, options: { json: boolean }) => {
      const run = await findApi().send<RunJson>('GET', `/v1/runs/${encodeURIComponent(id)}`);
      process.stdout.write(options.json ? `${JSON.stringify(run, null, 2)}\n` : printRun(run));
    });
  for (const verb of ['pause', 'resume', 'cancel'] as const) {
    runs
      .command(verb)
      .description(`${verb} a run, by its id`)
      .argument('<id>')
      .option('--json', 'print the answer as JSON', false)
      .action(async (id: string, options: { json: boolean }) => {
        const answer = await findApi().send<unknown>('POST', `/v1/runs/${encodeURIComponent(id)}/${verb}`);
        process.stdout.write(options.json ? `${JSON.stringify(answer, null, 2)}\n` : `${verb}: sent to run ${id}\n`);
      });
  }
  return runs;
}

function printRuns(runs: readonly RunJson[]): string {
  return printTable(
    ['ID', 'PIPELINE', 'RUN ID', 'MODE', 'STATE', 'ATTEMPT', 'ACCEPTED'],
    runs.map((run) => [
      ...[run.id, run.pipeline, run.run_id, run.mode, run.state],
      ...[String(run.attempt), run.accepted_at],
    ]),
  );
}
