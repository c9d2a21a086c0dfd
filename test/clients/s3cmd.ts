/** s3cmd, with a configuration file as `s3cmd --configure` would write it. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Attributes, Client, ClientSession } from './client.ts';
import { runTool } from './run-tool.ts';

export function createS3cmd(file: string | null, env: Readonly<Record<string, string>>): Client {
  return {
    name: 's3cmd',
    // Its signurl is SigV2, which is refused.
    lacks: ['presignGet', 'presignPut'],
    version: async () =>
      file === null ? null : (/version (\S+)/.exec(await runTool(file, ['--version'], env))?.[1] ?? null),
    open: async (endpoint, scratch): Promise<ClientSession> => {
      await mkdir(scratch, { recursive: true });
      const { host } = new URL(endpoint.url);
      const configFile = path.join(scratch, 's3cfg');
      const settings = {
        access_key: endpoint.credentials.accessKeyId,
        secret_key: endpoint.credentials.secretAccessKey,
        host_base: host,
        host_bucket: host,
        bucket_location: endpoint.region,
        use_https: endpoint.caFile === null ? 'False' : 'True',
        ca_certs_file: endpoint.caFile ?? '',
        multipart_chunk_size_mb: '5',
        preserve_attrs: 'False',
      };
      const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
      await writeFile(configFile, `[default]\n${lines.join('\n')}\n`);
      const s3cmd = (...args: string[]): Promise<string> =>
        runTool(file ?? 's3cmd', ['--config', configFile, '--no-progress', ...args], { ...env, HOME: scratch });
      const toUrl = (key: string): string => `s3://${endpoint.bucket}/${key}`;
      const upload = async (key: string, from: string, { contentType, metadata }: Attributes): Promise<void> => {
        const named = Object.entries(metadata).map(([name, value]) => `--add-header=x-amz-meta-${name}:${value}`);
        await s3cmd('put', `--mime-type=${contentType}`, ...named, from, toUrl(key));
      };
      return {
        put: upload,
        putMultipart: upload,
        get: async (key, to) => {
          await s3cmd('get', '--force', toUrl(key), to);
          return {};
        },
        head: async (key) => parseInfo(await s3cmd('info', toUrl(key))),
        list: async (prefix) =>
          (await s3cmd('ls', '--recursive', toUrl(prefix)))
            .split('\n')
            .filter((line) => line !== '')
            .map((line) => line.slice(line.indexOf(toUrl(''))).slice(toUrl('').length)),
        copy: async (from, to) => {
          await s3cmd('cp', toUrl(from), toUrl(to));
        },
        delete: async (keys) => {
          await s3cmd('del', ...keys.map(toUrl));
        },
        presignGet: () => Promise.reject(new Error('it presigns with SigV2')),
        presignPut: () => Promise.reject(new Error('it presigns with SigV2')),
        close: () => Promise.resolve(),
      };
    },
  };
}

function parseInfo(text: string) {
  const find = (label: string): string => new RegExp(`^\\s*${label}:\\s*(.*)$`, 'm').exec(text)?.[1] ?? '';
  const metadata = Object.fromEntries(
    [...text.matchAll(/^\s*x-amz-meta-([^:]+):\s*(.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
  return {
    sizeBytes: Number(find('File size')),
    etag: find('MD5 sum'),
    contentType: find('MIME type'),
    metadata,
  };
}
