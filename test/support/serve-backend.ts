/** A backend behind a plain listener, so that a test can hand it verified requests of its own making and read the answers off a socket. */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { isWaybillError } from '../../core/failures.ts';
import type { Operation } from '../../core/traffic.ts';
import { callerOf } from '../../gateway/listener/caller.ts';
import type { Backend, CopySource, VerifiedRequest } from '../../gateway/backend.ts';

export interface ServedAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  /** What the backend threw; null when it answered. */
  readonly failure: { readonly type: string; readonly message: string; readonly details: object } | null;
}

export interface ServedBackend {
  ask(request: VerifiedRequest): Promise<ServedAnswer>;
  close(): Promise<void>;
}

export async function serveBackend(backend: Backend): Promise<ServedBackend> {
  const asked: VerifiedRequest[] = [];
  const failures = new Map<string, ServedAnswer['failure']>();
  const server = http.createServer((request, response) => {
    const verified = asked[Number(request.url?.slice(1))] as VerifiedRequest;
    backend.handle(verified, response).catch((error: unknown) => {
      const failure = isWaybillError(error)
        ? { type: error.type, message: error.message, details: error.details }
        : { type: 'unknown', message: String(error), details: {} };
      failures.set(request.url ?? '', failure);
      if (response.headersSent) response.destroy();
      else response.writeHead(599).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    async ask(verified) {
      const path = `/${asked.push(verified) - 1}`;
      const request = http.get({ host: '127.0.0.1', port, path, method: verified.method === 'HEAD' ? 'HEAD' : 'GET' });
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString('utf8');
      return { status: response.statusCode ?? 0, headers: response.headers, text, failure: failures.get(path) ?? null };
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await backend.close();
    },
  };
}

export interface RequestFacts {
  readonly operation: Operation;
  readonly method?: string;
  readonly bucket?: string;
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly source?: CopySource;
  readonly headers?: Readonly<Record<string, string>>;
  readonly payload?: VerifiedRequest['payload'];
  readonly pieces?: readonly Uint8Array[];
  readonly contentLength?: number;
  readonly checksum?: VerifiedRequest['checksum'];
  /** Thrown behind the last piece. */
  readonly fails?: Error;
}

/** As the listener would hand it on. */
export function toVerifiedRequest(facts: RequestFacts): VerifiedRequest {
  const pieces = facts.pieces ?? [];
  const body = async function* (): AsyncGenerator<Uint8Array> {
    for (const piece of pieces) yield await Promise.resolve(piece);
    if (facts.fails !== undefined) throw facts.fails;
  };
  return {
    requestId: 'R',
    accessKeyId: 'AKID',
    method: facts.method ?? 'PUT',
    target: {
      operation: facts.operation,
      bucket: facts.bucket ?? 'bucket',
      key: facts.key ?? 'key',
      query: new Map(Object.entries(facts.query ?? {})),
      ...(facts.source && { source: facts.source }),
    },
    headers: new Map(Object.entries(facts.headers ?? {})),
    payload: facts.payload ?? { kind: 'unsigned' },
    contentLength: facts.contentLength ?? pieces.reduce((sum, { byteLength }) => sum + byteLength, 0),
    body: body(),
    checksum: facts.checksum ?? null,
    signal: new AbortController().signal,
    caller: callerOf(new AbortController().signal),
    permits: () => true,
  };
}
