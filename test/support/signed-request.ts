/** One signed request on raw node:http, bent as a test wants it: other headers after signing, another body than was hashed. */
import { createHash } from 'node:crypto';
import http from 'node:http';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { presignRequest } from '../../sigv4/presign.ts';
import { signRequest } from '../../sigv4/sign.ts';
import type { Credentials } from '../../sigv4/types.ts';
import type { StartedStore } from './start-store.ts';

export interface RequestPlan {
  readonly method: string;
  /** Path and query as they go over the wire. */
  readonly target: string;
  readonly body?: string | Uint8Array;
  readonly headers?: readonly (readonly [string, string])[];
  /** Default: the SHA-256 of the body. */
  readonly payloadHash?: string;
  readonly credentials?: Credentials;
  readonly at?: Date;
  readonly region?: string;
  /** Default: those that transport does not rewrite. */
  readonly signedHeaders?: readonly string[];
  /** Applied to the signed headers: what an attacker or a proxy changes. */
  readonly tamper?: (headers: (readonly [string, string])[]) => (readonly [string, string])[];
  /** Sent instead of the body that was signed. */
  readonly sendBody?: string | Uint8Array;
  /** Signed in the query; seconds. */
  readonly presignSeconds?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
  /** The S3 code of an error document, or ''. */
  readonly code: string;
}

export function sign(
  store: StartedStore,
  plan: RequestPlan,
): { target: string; headers: (readonly [string, string])[] } {
  const mark = plan.target.indexOf('?');
  const body = plan.body ?? '';
  const given = [...(plan.headers ?? [])];
  const host: readonly [string, string] = ['Host', `127.0.0.1:${String(store.port)}`];
  const input = {
    request: {
      method: plan.method,
      path: mark < 0 ? plan.target : plan.target.slice(0, mark),
      query: mark < 0 ? '' : plan.target.slice(mark + 1),
      headers: [host, ...given],
    },
    credentials: plan.credentials ?? store.credentials,
    region: plan.region ?? store.region,
    service: 's3',
    pathRule: 's3' as const,
    at: plan.at ?? new Date(),
    ...(plan.signedHeaders !== undefined && { signedHeaders: plan.signedHeaders }),
  };
  const length: (readonly [string, string])[] =
    plan.body === undefined && plan.sendBody === undefined && !['PUT', 'POST'].includes(plan.method)
      ? []
      : [['Content-Length', String(Buffer.byteLength(plan.sendBody ?? body))]];
  if (plan.presignSeconds !== undefined) {
    const payloadHash = plan.payloadHash ?? 'UNSIGNED-PAYLOAD';
    const { target } = presignRequest(nodeCrypto, { ...input, payloadHash, expiresSeconds: plan.presignSeconds });
    return { target, headers: [host, ...given, ...length] };
  }
  const payloadHash = plan.payloadHash ?? createHash('sha256').update(body).digest('hex');
  return { target: plan.target, headers: [...signRequest(nodeCrypto, { ...input, payloadHash }).headers, ...length] };
}

export function send(store: StartedStore, plan: RequestPlan): Promise<Answer> {
  const { target, headers } = sign(store, plan);
  return exchange(store, plan.method, target, plan.tamper?.([...headers]) ?? headers, plan.sendBody ?? plan.body);
}

export function exchange(
  store: StartedStore,
  method: string,
  target: string,
  headers: readonly (readonly [string, string])[],
  body?: string | Uint8Array,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request({
      host: '127.0.0.1',
      port: store.port,
      method,
      path: target,
      headers: headers.flat(),
    });
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve(toAnswer(response, Buffer.concat(chunks))));
    });
    // As bytes: node:http writes the headers as UTF-8 when they go out together with a string.
    request.end(body === undefined ? undefined : Buffer.from(body));
  });
}

function toAnswer(response: http.IncomingMessage, bytes: Buffer): Answer {
  const text = bytes.toString('utf8');
  const code = /<Error><Code>([^<]*)<\/Code>/.exec(text)?.[1] ?? '';
  return { status: response.statusCode ?? 0, headers: response.headers, bytes, text, code };
}
