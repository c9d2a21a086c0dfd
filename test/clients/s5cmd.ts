/** s5cmd, which is aws-sdk-go version 1. */
import type { Attributes, Client, ClientSession } from './client.ts';
import { runTool } from './run-tool.ts';

interface HeadAnswer {
  readonly size: number;
  readonly etag: string;
  readonly content_type?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** @param env with which its command, a Python wrapper, finds the program */
export function createS5cmd(file: string | null, env: Readonly<Record<string, string>>): Client {
  return {
    name: 's5cmd',
    lacks: ['presignPut'],
    version: async () =>
      file === null ? null : (/^v?(\d\S*?)(-|$)/m.exec((await runTool(file, ['version'], env)).trim())?.[1] ?? null),
    open: (endpoint, scratch): Promise<ClientSession> => {
      const variables = {
        ...env,
        HOME: scratch,
        AWS_ACCESS_KEY_ID: endpoint.credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: endpoint.credentials.secretAccessKey,
        AWS_REGION: endpoint.region,
        ...(endpoint.caFile !== null && { SSL_CERT_FILE: endpoint.caFile }),
      };
      const s5cmd = (...args: string[]): Promise<string> =>
        runTool(file ?? 's5cmd', ['--endpoint-url', endpoint.url, '--retry-count', '0', ...args], variables);
      const toUrl = (key: string): string => `s3://${endpoint.bucket}/${key}`;
      const upload = async (key: string, from: string, { contentType, metadata }: Attributes): Promise<void> => {
        const named = Object.entries(metadata).flatMap(([name, value]) => ['--metadata', `${name}=${value}`]);
        await s5cmd('cp', '--part-size', '5', '--content-type', contentType, ...named, from, toUrl(key));
      };
      return Promise.resolve({
        put: upload,
        putMultipart: upload,
        get: async (key, to) => {
          await s5cmd('cp', '--raw', toUrl(key), to);
          return {};
        },
        head: async (key) => {
          const answer = JSON.parse(await s5cmd('--json', 'head', '--raw', toUrl(key))) as HeadAnswer;
          const metadata = lowerNames(answer.metadata ?? {});
          return { sizeBytes: answer.size, etag: answer.etag, contentType: answer.content_type ?? '', metadata };
        },
        list: async (prefix) =>
          (await s5cmd('--json', 'ls', toUrl(`${prefix}*`)))
            .split('\n')
            .filter((line) => line !== '')
            .map((line) => (JSON.parse(line) as { key: string }).key.slice(toUrl('').length)),
        copy: async (from, to) => {
          // By default it says REPLACE and names nothing, which leaves nothing.
          await s5cmd('cp', '--raw', '--metadata-directive', 'COPY', toUrl(from), toUrl(to));
        },
        delete: async (keys) => {
          await s5cmd('rm', '--raw', ...keys.map(toUrl));
        },
        presignGet: async (key) => (await s5cmd('presign', '--expire', '60s', toUrl(key))).trim(),
        presignPut: () => Promise.reject(new Error('it has no such command')),
        close: () => Promise.resolve(),
      });
    },
  };
}

/** Go writes header names in its own capitals. */
const lowerNames = (named: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(named).map(([name, value]) => [name.toLowerCase(), value]));
