/**
 * A server on a raw socket that answers S3 requests with whatever bytes a test wants, right or wrong: cut, reset, slow, garbled.
 * It reads one request at a time, head and body, and hands it to the script with the socket.
 */
import net from 'node:net';

export interface ScriptedRequest {
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  /** Lower-case names; values as wire text. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export type Script = (request: ScriptedRequest, socket: net.Socket) => void;

export interface ScriptedServer {
  readonly endpoint: string;
  readonly requests: ScriptedRequest[];
  close(): Promise<void>;
}

export async function startScriptedServer(script: Script): Promise<ScriptedServer> {
  const requests: ScriptedRequest[] = [];
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    let pending = Buffer.alloc(0);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      for (let taken = takeRequest(pending); taken !== null; taken = takeRequest(pending)) {
        pending = pending.subarray(taken.lengthBytes);
        requests.push(taken.request);
        script(taken.request, socket);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${String(port)}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** A whole answer with the headers that every S3 answer to an object has; `headers` override them. */
export function printAnswer(status: number, headers: Record<string, string>, body: string | Uint8Array = ''): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body) : Buffer.from(body);
  const all = {
    etag: '"9a0364b9e99bb480dd25e1f0284c8555"',
    'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT',
    'x-amz-request-id': 'REQUEST1',
    'content-length': String(bytes.length),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${String(status)} Status\r\n${lines.join('')}\r\n`, 'latin1'), bytes]);
}

export const printError = (status: number, code: string, headers: Record<string, string> = {}): Buffer =>
  printAnswer(
    status,
    headers,
    `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>said so</Message></Error>`,
  );

function takeRequest(bytes: Buffer): { request: ScriptedRequest; lengthBytes: number } | null {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return null;
  const [first = '', ...lines] = bytes.subarray(0, headEnd).toString('latin1').split('\r\n');
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const lengthBytes = headEnd + 4 + Number(headers['content-length'] ?? '0');
  if (bytes.length < lengthBytes) return null;
  const [method = '', target = ''] = first.split(' ');
  return { request: { method, target, headers, body: bytes.subarray(headEnd + 4, lengthBytes) }, lengthBytes };
}
