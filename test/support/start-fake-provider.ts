/**
 * A provider that keeps every request as it came, also those that broke off, checks its signature, and answers as a test wants.
 * It commits a body only when it had all of it, as a provider does.
 */
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import type { Credentials, Verified, VerifyFailure } from '../../sigv4/types.ts';
import { verifyRequest } from '../../sigv4/verify.ts';

export interface ProviderRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly header: (name: string) => string | undefined;
  /** What arrived. */
  readonly body: Buffer;
  /** True when the whole promised body arrived. */
  readonly isComplete: boolean;
  readonly verdict: Verified | VerifyFailure;
}

export type ProviderScript = (request: ProviderRequest, response: http.ServerResponse) => void;

export interface FakeProvider {
  readonly endpoint: string;
  readonly host: string;
  readonly requests: ProviderRequest[];
  /** How the next requests are answered; by default 200 with an ETag where the signature holds. */
  script: ProviderScript;
  /** Resolves with the request of that index once it arrived whole or broke off. */
  seen(index: number): Promise<ProviderRequest>;
  close(): Promise<void>;
}

export const PROVIDER_CREDENTIALS: Credentials = {
  accessKeyId: 'AKIDPROVIDER00000001',
  secretAccessKey: 'canary/PROVIDER+secret=that never leaves?',
};

export const answerWell: ProviderScript = (request, response) => {
  if (!request.verdict.ok) {
    const { code, message } = request.verdict;
    const document = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`;
    response.writeHead(403, { 'content-type': 'application/xml' }).end(document);
    return;
  }
  response.writeHead(200, { etag: '"d41d8cd98f00b204e9800998ecf8427e"', 'content-length': 0 }).end();
};

/** @param credentials one pair, or whose an access key id is at the moment */
export async function startFakeProvider(
  credentials: Credentials | ((accessKeyId: string) => readonly Credentials[]) = PROVIDER_CREDENTIALS,
  tls?: SecureContextOptions,
): Promise<FakeProvider> {
  const waiting: (() => void)[] = [];
  const find =
    typeof credentials === 'function'
      ? credentials
      : (id: string): readonly Credentials[] => (id === credentials.accessKeyId ? [credentials] : []);
  const serve: http.RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    let isKept = false;
    const keep = (isComplete: boolean): void => {
      if (isKept) return;
      isKept = true;
      provider.requests.push(toRequest(request, Buffer.concat(chunks), isComplete, find));
      for (const wake of waiting.splice(0)) wake();
    };
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => keep(false));
    request.on('close', () => keep(false));
    request.on('end', () => {
      keep(true);
      provider.script(provider.requests.at(-1) as ProviderRequest, response);
    });
  };
  const server = tls === undefined ? http.createServer(serve) : https.createServer(tls, serve);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider: FakeProvider = {
    endpoint: `${tls === undefined ? 'http' : 'https'}://${host}`,
    host,
    requests: [],
    script: answerWell,
    seen: async (index) => {
      while (provider.requests.length <= index) await new Promise<void>((resolve) => waiting.push(resolve));
      return provider.requests[index] as ProviderRequest;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return provider;
}

function toRequest(
  request: http.IncomingMessage,
  body: Buffer,
  isComplete: boolean,
  find: (accessKeyId: string) => readonly Credentials[],
): ProviderRequest {
  const headers: [string, string][] = [];
  for (let index = 0; index + 1 < request.rawHeaders.length; index += 2) {
    headers.push([request.rawHeaders[index] as string, request.rawHeaders[index + 1] as string]);
  }
  const url = request.url ?? '';
  const [path = '', query = ''] = url.split('?', 2);
  const verdict = verifyRequest(nodeCrypto, {
    request: { method: request.method ?? '', path, query, headers },
    now: new Date(),
    region: 'eu-west-1',
    service: 's3',
    pathRule: 's3',
    findCredentials: find,
  });
  const header = (name: string): string | undefined => headers.find(([other]) => other.toLowerCase() === name)?.[1];
  return { method: request.method ?? '', url, headers, header, body, isComplete, verdict };
}
