/** `waybill doctor [STORE|URL]`: why requests to a store fail, check by check, with what mends each. */
import { existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { Command, Option } from 'commander';
import { loadConfig } from '../config/load-config.ts';
import { WaybillError } from '../core/failures.ts';
import type { Examination, Target } from '../doctor/check.ts';
import { printReport } from '../doctor/print-report.ts';
import { runDoctor } from '../doctor/run-doctor.ts';

interface DoctorCliOptions {
  readonly config: string;
  readonly region?: string;
  readonly bucket?: string;
  readonly addressing?: 'path' | 'virtual';
  readonly writeProbe?: string;
  readonly sts?: string;
  readonly awsCli: boolean;
  readonly json?: true;
}

export function buildDoctorCommand(): Command {
  return new Command('doctor')
    .description('find out why requests to a store fail')
    .argument('[store]', 'a store of the configuration, or the URL of an S3 endpoint; default: the only store there is')
    .option('--config <file>', 'the configuration', 'waybill.yaml')
    .option('--region <region>', 'the region to sign for; default: that of the store, AWS_REGION, or us-east-1')
    .option('--bucket <bucket>', 'a bucket that the key may list')
    .addOption(new Option('--addressing <style>', 'how the bucket is named').choices(['path', 'virtual']))
    .option(
      '--write-probe <bucket[/prefix]>',
      'write small objects there and delete them, to see what the provider can do',
    )
    .option('--sts <url>', 'an STS endpoint to ask for the identity')
    .option('--no-aws-cli', 'do not repeat the baseline with the aws CLI')
    .option('--json', 'print the report as JSON')
    .action(async (given: string | undefined, options: DoctorCliOptions) => {
      const target = await toTarget(given, options);
      const report = await runDoctor({
        target,
        env: process.env,
        // Beside the configuration that names the store; a URL has none.
        capabilitiesFile: target.store === null ? null : join(dirname(options.config), '.waybill', 'capabilities.json'),
        writeProbe: toWriteProbe(options.writeProbe),
        stsEndpoint: options.sts === undefined ? null : toUrl(options.sts),
        awsCli: options.awsCli ? findOnPath('aws') : null,
      });
      process.stdout.write(options.json === true ? `${JSON.stringify(report, null, 2)}\n` : printReport(report));
      process.exitCode = report.verdict.exitCode;
    });
}

async function toTarget(given: string | undefined, options: DoctorCliOptions): Promise<Target> {
  const bucket = options.bucket ?? null;
  if (given !== undefined && /^https?:/i.test(given)) {
    const endpoint = toUrl(given);
    const region = options.region ?? process.env['AWS_REGION'] ?? process.env['AWS_DEFAULT_REGION'] ?? 'us-east-1';
    const isAws = /(^|\.)amazonaws\.com(\.cn)?$/.test(endpoint.hostname);
    const addressing = options.addressing ?? (isAws ? 'virtual' : 'path');
    const flags = [
      given,
      '--region',
      region,
      '--addressing',
      addressing,
      ...(bucket === null ? [] : ['--bucket', bucket]),
    ];
    return {
      name: given,
      endpoint,
      region,
      addressing,
      bucket,
      store: null,
      command: `waybill doctor ${flags.join(' ')}`,
    };
  }
  const { stores } = await loadConfig(options.config);
  const name = given ?? (stores.size === 1 ? [...stores.keys()][0] : undefined);
  const store = name === undefined ? undefined : stores.get(name);
  if (name === undefined || store === undefined) {
    throw new WaybillError(
      'invalid_request',
      `name a store of ${options.config}, or a URL: ${[...stores.keys()].join(', ')}`,
    );
  }
  if (store.kind === 'directory')
    throw new WaybillError('invalid_request', `the store ${name} is a directory: no request to it is signed`);
  return {
    name,
    endpoint: new URL(store.endpoint),
    region: options.region ?? store.region,
    addressing: options.addressing ?? store.addressing,
    bucket,
    store,
    command: `waybill doctor ${name} --config ${options.config}${bucket === null ? '' : ` --bucket ${bucket}`}`,
  };
}

function toUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (
    url === null ||
    !/^https?:$/.test(url.protocol) ||
    url.username !== '' ||
    url.password !== '' ||
    url.search !== ''
  ) {
    throw new WaybillError(
      'invalid_request',
      'expected the URL of an endpoint, http[s]://HOST[:PORT][/PATH], without user or query',
    );
  }
  return url;
}

/** `BUCKET[/PREFIX]`; what is written stands below waybill-doctor/ there. */
function toWriteProbe(text: string | undefined): Examination['writeProbe'] {
  if (text === undefined) return null;
  const [bucket = '', ...rest] = text.split('/');
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket))
    throw new WaybillError('invalid_request', 'expected --write-probe BUCKET[/PREFIX]');
  const prefix = rest.join('/').replace(/\/$/, '');
  return { bucket, prefix: `${prefix === '' ? '' : `${prefix}/`}waybill-doctor/` };
}

function findOnPath(name: string): string | null {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? null;
}
