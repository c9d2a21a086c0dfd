/** `waybill pipelines`: what the API's configuration has. */
import { Command } from 'commander';
import { findApi } from './api-client.ts';
import { printTable } from './print-table.ts';

interface LocationJson {
  readonly store: string;
  readonly bucket: string;
  readonly prefix: string;
}

/** As the API documents it; what is not shown is left out. */
export interface PipelineJson {
  readonly name: string;
  readonly source: LocationJson;
  readonly target: LocationJson;
  readonly schedule: { readonly cron: string; readonly timezone: string; readonly paused: boolean } | null;
}

export function buildPipelinesCommand(): Command {
  return new Command('pipelines')
    .description('list the pipelines that the API has (WAYBILL_URL, WAYBILL_TOKEN)')
    .option('--json', 'print them as JSON', false)
    .action(async (options: { json: boolean }) => {
      const list = await findApi().send<{ items: readonly PipelineJson[] }>('GET', '/v1/pipelines');
      process.stdout.write(options.json ? `${JSON.stringify(list, null, 2)}\n` : printPipelines(list.items));
    });
}

export function printPipelines(pipelines: readonly PipelineJson[]): string {
  return printTable(
    ['PIPELINE', 'SOURCE', 'TARGET', 'SCHEDULE'],
    pipelines.map(({ name, source, target, schedule }) => [
      name,
      printLocation(source),
      printLocation(target),
      schedule === null ? '-' : `${schedule.cron} ${schedule.timezone}${schedule.paused ? ' (paused)' : ''}`,
    ]),
  );
}

const printLocation = ({ store, bucket, prefix }: LocationJson): string => `${store}:${bucket}/${prefix}`;
