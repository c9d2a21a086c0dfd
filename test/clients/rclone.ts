/** rclone with `provider = Other`, as its manual says for a store that it does not know. */
import type { Attributes, Client, ClientSession, Told } from './client.ts';
import { runTool } from './run-tool.ts';

interface Listed {
  readonly Path: string;
  readonly Size: number;
  readonly MimeType?: string;
  readonly Metadata?: Readonly<Record<string, string>>;
  readonly Hashes?: Readonly<Record<string, string>>;
}

/** What rclone itself puts among the metadata. */
const SYSTEM = new Set(['content-type', 'btime', 'mtime', 'tier']);

export function createRclone(file: string | null): Client {
  return {
    name: 'rclone',
    lacks: ['presignPut'],
    version: async () =>
      file === null ? null : (/^rclone v(\S+)/.exec(await runTool(file, ['version'], {}))?.[1] ?? null),
    open: (endpoint, scratch): Promise<ClientSession> => {
      const variables = {
        HOME: scratch,
        RCLONE_CONFIG: `${scratch}/rclone.conf`,
        RCLONE_CONFIG_X_TYPE: 's3',
        RCLONE_CONFIG_X_PROVIDER: 'Other',
        RCLONE_CONFIG_X_ENDPOINT: endpoint.url,
        RCLONE_CONFIG_X_REGION: endpoint.region,
        RCLONE_CONFIG_X_ACCESS_KEY_ID: endpoint.credentials.accessKeyId,
        RCLONE_CONFIG_X_SECRET_ACCESS_KEY: endpoint.credentials.secretAccessKey,
        RCLONE_S3_UPLOAD_CUTOFF: '5Mi',
        RCLONE_S3_CHUNK_SIZE: '5Mi',
        ...(endpoint.caFile !== null && { RCLONE_CA_CERT: endpoint.caFile }),
      };
      const flags = ['--retries', '1', '--low-level-retries', '1'];
      const rclone = (...args: string[]): Promise<string> => runTool(file ?? 'rclone', [...flags, ...args], variables);
      const toPath = (key: string): string => `x:${endpoint.bucket}/${key}`;
      const upload = async (key: string, from: string, { contentType, metadata }: Attributes): Promise<void> => {
        const all = { 'content-type': contentType, ...metadata };
        const named = Object.entries(all).flatMap(([name, value]) => ['--metadata-set', `${name}=${value}`]);
        await rclone('copyto', '--metadata', ...named, from, toPath(key));
      };
      return Promise.resolve({
        put: upload,
        putMultipart: upload,
        get: async (key, to) => {
          await rclone('copyto', toPath(key), to);
          return {};
        },
        head: async (key) => {
          const text = await rclone('lsjson', '--stat', '--metadata', '--hash', toPath(key));
          return toTold(JSON.parse(text) as Listed);
        },
        list: async (prefix) => {
          const text = await rclone('lsf', '--recursive', '--files-only', toPath(prefix));
          return text
            .split('\n')
            .filter((line) => line !== '')
            .map((line) => prefix + line);
        },
        copy: async (from, to) => {
          await rclone('copyto', toPath(from), toPath(to));
        },
        delete: async (keys) => {
          for (const key of keys) await rclone('deletefile', toPath(key));
        },
        presignGet: async (key) => (await rclone('link', '--expire', '60s', toPath(key))).trim(),
        presignPut: () => Promise.reject(new Error('it has no such command')),
        close: () => Promise.resolve(),
      });
    },
  };
}

function toTold(listed: Listed): Told {
  const metadata = Object.fromEntries(Object.entries(listed.Metadata ?? {}).filter(([name]) => !SYSTEM.has(name)));
  const md5 = listed.Hashes?.['md5'];
  return {
    sizeBytes: listed.Size,
    metadata,
    ...(listed.MimeType !== undefined && { contentType: listed.MimeType }),
    ...(md5 !== undefined && md5 !== '' && { etag: md5 }),
  };
}
