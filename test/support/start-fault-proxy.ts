/**
 * A proxy in front of a store that does wrong on purpose: it sees each request whole, and a test says what becomes of it. Host and
 * everything else that is signed passes unchanged.
 */
import http from 'node:http';
import { once } from 'node:events';

export interface ProxiedRequest {
  readonly method: string;
  /** Path and query as sent. */
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  /** From 1, over all requests of this proxy. */
  readonly number: number;
}

export type Fault =
  | { readonly kind: 'pass' }
  /** The store never sees it; it is answered so. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly code: string;
      readonly headers?: Record<string, string>;
    }
  /** Waits before the store sees it. */
  | { readonly kind: 'hold-before'; readonly until: Promise<unknown> }
  /** The store has done it; its answer waits. */
  | { readonly kind: 'hold-after'; readonly until: Promise<unknown> }
  /** The answer's body loses its end, and the connection is cut. */
  | { readonly kind: 'truncate-answer' }
  /** The answer's body has its last byte changed. */
  | { readonly kind: 'corrupt-answer' }
  /** The body that reaches the store has its last byte changed. */
  | { readonly kind: 'corrupt-request' }
  /** The connection is cut after the store has done it. */
  | { readonly kind: 'drop-answer' }
  /** The connection is cut before the store sees it. */
  | { readonly kind: 'drop-request' }
  /** The answer's body becomes another, for instance a listing in another order; headers say its length. */
  | { readonly kind: 'edit-answer'; readonly edit: (body: Buffer) => Buffer };

export interface FaultProxy {
  readonly port: number;
  readonly url: string;
  readonly requests: ProxiedRequest[];
  /** Requests that came whole and that the store has not answered yet, held ones included. */
  underWay(): number;
  /** Decides for each request; default: pass. */
  decide: (request: ProxiedRequest) => Fault;
  close(): Promise<void>;
}

const PASS: Fault = { kind: 'pass' };
/** Far shorter than a store keeps a connection. */
const IDLE_MS = 10_000;

export async function startFaultProxy(upstreamPort: number, listenPort = 0): Promise<FaultProxy> {
  // On either side whoever sends is the one to close what is idle: a request never meets a connection that is just being closed.
  const agent = new http.Agent({ keepAlive: true, timeout: IDLE_MS });
  const requests: ProxiedRequest[] = [];
  let underWay = 0;
  const server = http.createServer((incoming, outgoing) => {
    const request: ProxiedRequest = {
      method: incoming.method ?? '',
      url: incoming.url ?? '',
      headers: incoming.headers,
      number: requests.length + 1,
    };
    requests.push(request);
    serve(incoming, outgoing, proxy.decide(request)).catch(() => outgoing.destroy());
  });
  server.keepAliveTimeout = 60 * IDLE_MS;
  server.on('clientError', (_error, socket) => socket.destroy());

  const serve = async (incoming: http.IncomingMessage, outgoing: http.ServerResponse, fault: Fault): Promise<void> => {
    const body = await readAll(incoming);
    if (fault.kind === 'answer') {
      const xml = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${fault.code}</Code><Message>on purpose</Message></Error>`;
      outgoing.writeHead(fault.status, { 'content-type': 'application/xml', ...fault.headers }).end(xml);
      return;
    }
    if (fault.kind === 'drop-request') {
      outgoing.destroy();
      return;
    }
    underWay += 1;
    if (fault.kind === 'hold-before') await fault.until;
    if (fault.kind === 'corrupt-request') changeLastByte(body);
    const answer = await ask(incoming, body).finally(() => (underWay -= 1));
    if (fault.kind === 'hold-after') await fault.until;
    if (fault.kind === 'drop-answer') {
      outgoing.destroy();
      return;
    }
    if (fault.kind === 'corrupt-answer') changeLastByte(answer.body);
    if (fault.kind === 'edit-answer') {
      const edited = fault.edit(answer.body);
      outgoing.writeHead(answer.status, withLength(answer.rawHeaders, edited.length)).end(edited);
      return;
    }
    outgoing.writeHead(answer.status, answer.rawHeaders);
    if (fault.kind === 'truncate-answer') {
      outgoing.write(answer.body.subarray(0, Math.floor(answer.body.length / 2)), () => outgoing.destroy());
      return;
    }
    outgoing.end(answer.body);
  };

  const ask = async (incoming: http.IncomingMessage, body: Buffer) => {
    const upstream = http.request({
      agent,
      host: '127.0.0.1',
      port: upstreamPort,
      method: incoming.method,
      path: incoming.url,
      headers: toFlatHeaders(incoming.rawHeaders),
    });
    upstream.end(body);
    const [response] = (await once(upstream, 'response')) as [http.IncomingMessage];
    return { status: response.statusCode ?? 502, rawHeaders: response.rawHeaders, body: await readAll(response) };
  };

  await new Promise<void>((resolve) => server.listen(listenPort, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const proxy: FaultProxy = {
    port,
    url: `http://127.0.0.1:${port}`,
    requests,
    underWay: () => underWay,
    decide: () => PASS,
    async close() {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}

/** A promise and what resolves it: for holds. */
export function createGate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

/** The body was read whole, so whatever framed it is replaced by its length. */
function toFlatHeaders(rawHeaders: readonly string[]): string[] {
  const flat: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    if (name === 'transfer-encoding' || name === 'expect' || name === 'connection') continue;
    flat.push(rawHeaders[index] ?? '', rawHeaders[index + 1] ?? '');
  }
  return flat;
}

function withLength(rawHeaders: readonly string[], lengthBytes: number): string[] {
  const others = toFlatHeaders(rawHeaders).flatMap((name, index, all) =>
    index % 2 === 1 || name.toLowerCase() === 'content-length' ? [] : [name, all[index + 1] ?? ''],
  );
  return [...others, 'content-length', String(lengthBytes)];
}

async function readAll(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

function changeLastByte(body: Buffer): void {
  const last = body.length - 1;
  if (last >= 0) body[last] = (body[last] ?? 0) ^ 0xff;
}
