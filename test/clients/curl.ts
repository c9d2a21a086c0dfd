/**
 * curl --aws-sigv4, the way to reach S3 where nothing can be installed. Each request needs `x-amz-content-sha256`; query parameters are
 * written in order, since not every curl sorts them before it signs.
 */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Attributes, Client, ClientSession, Told } from './client.ts';
import { runTool } from './run-tool.ts';

const PART_BYTES = 5 * 1024 * 1024;
const EMPTY = createHash('sha256').digest('hex');

interface Asked {
  readonly query?: string;
  readonly headers?: readonly string[];
  readonly bodyFile?: string;
  readonly toFile?: string;
}

export function createCurl(): Client {
  return {
    name: 'curl',
    lacks: ['presignGet', 'presignPut'],
    version: async () => {
      const version = /^curl (\S+)/.exec(await runTool('curl', ['--version'], {}))?.[1] ?? '';
      const [major = 0, minor = 0] = version.split('.').map(Number);
      // Before 7.86 it signed no header of the caller's, and so not the hash.
      return major > 7 || (major === 7 && minor >= 86) ? version : null;
    },
    open: (endpoint, scratch): Promise<ClientSession> => {
      const { accessKeyId, secretAccessKey } = endpoint.credentials;
      const common = [
        ...['--silent', '--show-error', '--fail-with-body', '--disable'],
        ...['--aws-sigv4', `aws:amz:${endpoint.region}:s3`, '--user', `${accessKeyId}:${secretAccessKey}`],
        ...(endpoint.caFile === null ? [] : ['--cacert', endpoint.caFile]),
      ];
      const curl = async (method: string, key: string, asked: Asked = {}): Promise<string> => {
        const hash =
          asked.bodyFile === undefined
            ? EMPTY
            : createHash('sha256')
                .update(await readFile(asked.bodyFile))
                .digest('hex');
        const headers = [`x-amz-content-sha256: ${hash}`, ...(asked.headers ?? [])];
        const body = asked.bodyFile === undefined ? [] : ['--data-binary', `@${asked.bodyFile}`];
        const to = method === 'HEAD' ? ['--head'] : ['--request', method];
        const out = asked.toFile === undefined ? [] : ['--output', asked.toFile, '--dump-header', '-'];
        const target = `${endpoint.url}/${endpoint.bucket}${key === '' ? '' : `/${toPath(key)}`}${asked.query ?? ''}`;
        const args = [...common, ...to, ...headers.flatMap((header) => ['--header', header]), ...body, ...out, target];
        return runTool('curl', args, { HOME: scratch });
      };
      const toHeaders = ({ contentType, metadata }: Attributes): string[] => [
        `Content-Type: ${contentType}`,
        ...Object.entries(metadata).map(([name, value]) => `x-amz-meta-${name}: ${value}`),
      ];
      return Promise.resolve({
        put: async (key, from, attributes) => {
          await curl('PUT', key, { bodyFile: from, headers: toHeaders(attributes) });
        },
        putMultipart: async (key, from, attributes) => {
          const created = await curl('POST', key, { query: '?uploads=', headers: toHeaders(attributes) });
          const uploadId = findElement(created, 'UploadId');
          const bytes = await readFile(from);
          const parts: string[] = [];
          for (let offset = 0; offset < bytes.length; offset += PART_BYTES) {
            const partNumber = String(parts.length + 1);
            const bodyFile = path.join(scratch, 'part');
            await writeFile(bodyFile, bytes.subarray(offset, offset + PART_BYTES));
            const query = `?partNumber=${partNumber}&uploadId=${uploadId}`;
            const headers = ['Content-Type: application/octet-stream'];
            const answer = await curl('PUT', key, { query, bodyFile, headers, toFile: path.join(scratch, 'answer') });
            const etag = parseHead(answer).etag ?? '';
            parts.push(`<Part><PartNumber>${partNumber}</PartNumber><ETag>${etag}</ETag></Part>`);
          }
          const bodyFile = path.join(scratch, 'complete.xml');
          await writeFile(bodyFile, `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`);
          const headers = ['Content-Type: application/xml'];
          await curl('POST', key, { query: `?uploadId=${uploadId}`, bodyFile, headers });
        },
        get: async (key, to) => parseHead(await curl('GET', key, { toFile: to })),
        head: async (key) => parseHead(await curl('HEAD', key)),
        list: async (prefix) => {
          const keys: string[] = [];
          let token = '';
          do {
            const from = token === '' ? '' : `continuation-token=${encodeURIComponent(token)}&`;
            const query = `?${from}encoding-type=url&list-type=2&prefix=${encodeURIComponent(prefix)}`;
            const page = await curl('GET', '', { query });
            for (const [, key = ''] of page.matchAll(/<Key>([^<]*)<\/Key>/g)) keys.push(decodeURIComponent(key));
            token = findElement(page, 'NextContinuationToken');
          } while (token !== '');
          return keys;
        },
        copy: async (from, to) => {
          await curl('PUT', to, { headers: [`x-amz-copy-source: /${endpoint.bucket}/${toPath(from)}`] });
        },
        delete: async (keys) => {
          for (const key of keys) await curl('DELETE', key);
        },
        presignGet: () => Promise.reject(new Error('it does not presign')),
        presignPut: () => Promise.reject(new Error('it does not presign')),
        close: () => Promise.resolve(),
      });
    },
  };
}

/** Every byte but the unreserved ones encoded, as S3 has it; encodeURIComponent leaves five more. */
const toPath = (key: string): string =>
  key
    .split('/')
    .map((segment) => encodeURIComponent(segment).replace(/[!'()*]/g, toEscape))
    .join('/');
const toEscape = (char: string): string => `%${char.charCodeAt(0).toString(16).toUpperCase()}`;

const findElement = (xml: string, name: string): string =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? '';

function parseHead(text: string): Told {
  const lines = [...text.matchAll(/^([^:\s]+):\s*(.*?)\r?$/gm)];
  const named = new Map(lines.map(([, name = '', value = '']) => [name.toLowerCase(), value]));
  const metadata = [...named].filter(([name]) => name.startsWith('x-amz-meta-'));
  return {
    sizeBytes: Number(named.get('content-length')),
    etag: named.get('etag') ?? '',
    contentType: named.get('content-type') ?? '',
    metadata: Object.fromEntries(metadata.map(([name, value]) => [name.slice('x-amz-meta-'.length), value])),
  };
}
