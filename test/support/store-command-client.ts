/** The least of an S3 client, for a store in another process: one signed request with fetch. */
import { createHash } from 'node:crypto';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { signRequest } from '../../sigv4/sign.ts';

export interface Reply {
  readonly status: number;
  readonly text: string;
}

export function createS3Store(url: string, accessKeyId: string, secretAccessKey: string) {
  const { host } = new URL(url);
  return async (method: string, path: string, body?: string): Promise<Reply> => {
    const { headers } = signRequest(nodeCrypto, {
      request: { method, path, query: '', headers: [['host', host]] },
      credentials: { accessKeyId, secretAccessKey },
      region: 'us-east-1',
      service: 's3',
      pathRule: 's3',
      payloadHash: createHash('sha256')
        .update(body ?? '')
        .digest('hex'),
      at: new Date(),
    });
    const sent = headers.filter(([name]) => name !== 'host').map(([name, value]): [string, string] => [name, value]);
    const response = await fetch(url + path, { method, headers: sent, ...(body !== undefined && { body }) });
    return { status: response.status, text: await response.text() };
  };
}
