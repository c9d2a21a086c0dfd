/** aws-cli 1 and 2: `aws s3` for what people do, `aws s3api` for what it alone tells. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Attributes, Client, ClientSession } from './client.ts';
import { runTool } from './run-tool.ts';

/** Version 1 presigns with SigV2 unless it is told otherwise. */
const CONFIG = `[default]
s3 =
  signature_version = s3v4
  multipart_threshold = 5MB
  multipart_chunksize = 5MB
`;

interface HeadAnswer {
  readonly ContentLength: number;
  readonly ETag: string;
  readonly ContentType: string;
  readonly Metadata: Readonly<Record<string, string>>;
}

export function createAwsCli(name: string, file: string | null, env: Readonly<Record<string, string>>): Client {
  return {
    name,
    lacks: ['presignPut'],
    version: async () =>
      file === null ? null : (/^aws-cli\/(\S+)/.exec(await runTool(file, ['--version'], env))?.[1] ?? null),
    open: async (endpoint, scratch): Promise<ClientSession> => {
      await mkdir(scratch, { recursive: true });
      const configFile = path.join(scratch, 'aws-config');
      await writeFile(configFile, CONFIG);
      const variables = {
        ...env,
        HOME: scratch,
        AWS_CONFIG_FILE: configFile,
        AWS_SHARED_CREDENTIALS_FILE: path.join(scratch, 'none'),
        AWS_ACCESS_KEY_ID: endpoint.credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: endpoint.credentials.secretAccessKey,
        AWS_DEFAULT_REGION: endpoint.region,
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_PAGER: '',
        ...(endpoint.caFile !== null && { AWS_CA_BUNDLE: endpoint.caFile }),
      };
      const aws = (...args: string[]): Promise<string> =>
        runTool(file ?? 'aws', ['--endpoint-url', endpoint.url, ...args], variables);
      const place = ['--bucket', endpoint.bucket];
      const api = async (operation: string, ...args: string[]): Promise<unknown> => {
        const text = await aws('s3api', operation, ...place, ...args, '--output', 'json');
        return text.trim() === '' ? null : (JSON.parse(text) as unknown);
      };
      const toUrl = (key: string): string => `s3://${endpoint.bucket}/${key}`;
      const upload = async (key: string, from: string, { contentType, metadata }: Attributes): Promise<void> => {
        const attributes = ['--content-type', contentType, '--metadata', JSON.stringify(metadata)];
        await aws('s3', 'cp', '--quiet', from, toUrl(key), ...attributes);
      };
      return {
        put: upload,
        putMultipart: upload,
        get: async (key, to) => {
          await aws('s3', 'cp', '--quiet', toUrl(key), to);
          return {};
        },
        head: async (key) => {
          const answer = (await api('head-object', '--key', key)) as HeadAnswer;
          const { ContentLength, ETag, ContentType, Metadata } = answer;
          return { sizeBytes: ContentLength, etag: ETag, contentType: ContentType, metadata: Metadata };
        },
        list: async (prefix) =>
          (await api('list-objects-v2', '--prefix', prefix, '--query', 'Contents[].Key')) as string[],
        copy: async (from, to) => {
          await aws('s3', 'cp', '--quiet', toUrl(from), toUrl(to));
        },
        delete: async ([first = '', ...rest]) => {
          await aws('s3', 'rm', '--quiet', toUrl(first));
          const objects = { Objects: rest.map((Key) => ({ Key })) };
          await api('delete-objects', '--delete', JSON.stringify(objects));
        },
        presignGet: async (key) => (await aws('s3', 'presign', toUrl(key), '--expires-in', '60')).trim(),
        presignPut: () => Promise.reject(new Error('it has no such command')),
        close: () => Promise.resolve(),
      };
    },
  };
}
