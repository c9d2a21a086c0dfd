/**
 * `waybill sign`: one request signed with AWS Signature Version 4, as headers, as a presigned URL, as a curl command, as JSON, or as
 * a script that signs it when it is run. It sends nothing. The keys come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
 * AWS_SESSION_TOKEN, and the secret one is in no output; a script needs none to be printed.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { isWaybillError } from '../core/failures.ts';
import { parseAmzDate } from '../sigv4/amz-date.ts';
import { OPERATIONS } from './sign/operations.ts';
import { hashPayload } from './sign/payload.ts';
import { prepareRequest, type RequestOptions } from './sign/prepare-request.ts';
import {
  presignPrepared,
  printCurl,
  printHeaders,
  printJson,
  printUrl,
  printUrlNote,
  signPrepared,
} from './sign/print-request.ts';
import { printScript } from './sign/print-script.ts';
import { readKeys } from './sign/read-keys.ts';
import { misuse, type PreparedRequest } from './sign/request.ts';

const FORMS = ['headers', 'url', 'curl', 'sh', 'json'] as const;

export interface SignOptions extends RequestOptions {
  readonly as: (typeof FORMS)[number];
  readonly at?: Date;
  readonly expires?: number;
}

const USAGE = 2;
const EXPIRES_DEFAULT_SECONDS = 900;

export function buildSignCommand(): Command {
  return new Command('sign')
    .description('print a request signed; keys in AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN')
    .argument(
      '[url]',
      'https://HOST/BUCKET/KEY; what a URL cannot carry is encoded; KMS and STS need none with --region',
    )
    .addOption(
      new Option('--as <form>', 'what to print; sh is a script that signs when it is run')
        .choices(FORMS)
        .default('curl'),
    )
    .addOption(
      new Option(
        '--operation <name>',
        'the method, query, headers and body of this operation; MultipartUpload is a whole file, --as sh',
      ).choices(OPERATIONS),
    )
    .option('-X, --method <method>', 'default: GET; with a body PUT for s3, POST for others')
    .option('-H, --header <header>', '"Name: value", signed; repeatable', collect, [])
    .option('--data <text>', 'the body')
    .option('--data-file <file>', 'the file whose bytes are the body')
    .option('--unsigned-payload', 'leave the body out of the signature (s3)')
    .addOption(new Option('--sse <algorithm>', 'server-side encryption').choices(['aws:kms', 'AES256']))
    .option('--kms-key-id <id>', 'the key for --sse aws:kms, which it implies')
    .option('--upload-id <id>', 'for UploadPart, CompleteMultipartUpload, AbortMultipartUpload')
    .option('--part-number <number>', 'for UploadPart', parsePartNumber)
    .option('--part <number=etag>', 'a part for CompleteMultipartUpload; repeatable', collect, [])
    .option('--region <name>', 'default: what the host says, AWS_REGION, AWS_DEFAULT_REGION')
    .option(
      '--service <name>',
      'default: what the host or the operation says, s3 for hosts that are not of amazonaws.com',
    )
    .option('--at <time>', 'sign for this time, 2026-01-31T12:00:00Z or 20260131T120000Z; default: now', parseTime)
    .option(
      '--expires <seconds>',
      `how long the URL is good; default: ${String(EXPIRES_DEFAULT_SECONDS)}`,
      parseSeconds,
    )
    .action(async (url: string | undefined, options: SignOptions, command: Command) => {
      try {
        const { output, note } = await sign(url, options, process.env);
        process.stderr.write(note);
        process.stdout.write(output);
      } catch (error) {
        if (!isWaybillError(error) || error.type !== 'invalid_request') throw error;
        command.error(error.message, { exitCode: USAGE });
      }
    });
}

/** @throws invalid_request for whatever the caller got wrong */
async function sign(
  url: string | undefined,
  options: SignOptions,
  environment: NodeJS.ProcessEnv,
): Promise<{ output: string; note: string }> {
  const isUrl = options.as === 'url';
  if (options.expires !== undefined && !isUrl && options.as !== 'json')
    throw misuse('--expires belongs to --as url or json: a signed header is good for 15 minutes');
  if (options.as === 'sh' && options.at !== undefined)
    throw misuse('--at has no place with --as sh: the script signs for the time when it is run');
  if (options.as !== 'sh' && options.operation === 'MultipartUpload')
    throw misuse('MultipartUpload is several requests: it needs --as sh');
  const request = prepareRequest(url, options, environment);
  if (options.as === 'sh') return { output: printScript(request, options.operation), note: '' };
  const time = {
    credentials: readKeys(environment),
    payloadHash: await hashPayload(request),
    at: options.at ?? new Date(),
  };
  switch (options.as) {
    case 'headers':
      return { output: printHeaders(signPrepared(request, time)), note: '' };
    case 'curl':
      return { output: printCurl(request, signPrepared(request, time)), note: '' };
    case 'json':
      return { output: printJson(request, time, options.expires), note: '' };
    case 'url': {
      const presigned = presignPrepared(request, time, options.expires ?? EXPIRES_DEFAULT_SECONDS);
      return { output: printUrl(request, presigned), note: printMethodNote(request) + printUrlNote(request) };
    }
  }
}

const printMethodNote = ({ method }: PreparedRequest): string =>
  method === 'GET' ? '' : `The URL is for ${method}.\n`;

const collect = (text: string, before: readonly string[]): readonly string[] => [...before, text];

function parseTime(text: string): Date {
  const isIso = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?Z$/.test(text);
  const at = parseAmzDate(isIso ? text.replace(/\.\d+/, '').replace(/[-:]/g, '') : text);
  if (at === null) throw new InvalidArgumentError('a time in UTC such as 2026-01-31T12:00:00Z');
  return at;
}

function parsePartNumber(text: string): number {
  const number = Number(text);
  if (!/^\d{1,5}$/.test(text) || number < 1 || number > 10_000)
    throw new InvalidArgumentError('a number from 1 to 10000');
  return number;
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!/^\d{1,6}$/.test(text) || seconds < 1 || seconds > 604_800)
    throw new InvalidArgumentError('seconds, 1 to 604800');
  return seconds;
}
