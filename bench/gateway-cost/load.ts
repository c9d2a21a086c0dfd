/**
 * The caller, in a process of its own: for each job that its parent sends, it signs requests ahead, sends them over kept connections, one
 * at a time on each, and answers with the milliseconds that the sending took. It parses no more of an answer than its status and length.
 */
import { createHash } from 'node:crypto';
import net from 'node:net';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { signRequest } from '../../sigv4/sign.ts';
import { CREDENTIALS } from './credentials.ts';

export interface Job {
  readonly port: number;
  readonly method: 'GET' | 'PUT';
  readonly sizeBytes: number;
  readonly requests: number;
  readonly inFlight: number;
}

/** Each is sent again and again, inside the fifteen minutes that its signature holds. */
const TARGETS = 200;
const READ_BYTES = 256 * 1024;

process.on('message', (job: Job) => {
  run(job).then(
    (ms) => process.send?.(ms),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});

process.on('disconnect', () => process.exit());

async function run(job: Job): Promise<number> {
  const { port, method, sizeBytes, inFlight } = job;
  const body = method === 'PUT' ? Buffer.alloc(sizeBytes, 'x') : Buffer.alloc(0);
  const sha256 = createHash('sha256').update(body).digest('hex');
  const heads = Array.from({ length: Math.min(TARGETS, job.requests) }, (_, index) =>
    toHead(port, method, `/bench/${String(sizeBytes)}/object-${String(index)}`, body, sha256),
  );
  // A small request is one write, as a client would send it.
  const isOneWrite = body.length <= 64 * 1024;
  const messages = isOneWrite ? heads.map((head) => Buffer.concat([head, body])) : heads;
  let sent = 0;
  const lane = (): Promise<void> =>
    new Promise((resolve, reject) => {
      let awaited = -1;
      const socket = net.connect({
        port,
        host: '127.0.0.1',
        noDelay: true,
        onread: { buffer: Buffer.allocUnsafe(READ_BYTES), callback: (count, bytes) => receive(count, bytes) },
      });
      const next = (): void => {
        if (sent >= job.requests) {
          socket.destroy();
          resolve();
          return;
        }
        awaited = -1;
        socket.write(messages[sent++ % messages.length] as Buffer);
        if (!isOneWrite) socket.write(body);
      };
      const receive = (count: number, buffer: Uint8Array): boolean => {
        let bytes = count;
        if (awaited < 0) {
          // All of these heads come in one piece.
          const text = Buffer.from(buffer.buffer, buffer.byteOffset, Math.min(count, 2048)).toString('latin1');
          const end = text.indexOf('\r\n\r\n');
          const length = /\r\ncontent-length: (\d+)/i.exec(text);
          if (end < 0 || length === null || !text.startsWith('HTTP/1.1 200')) {
            reject(new Error(`not the answer of a store: ${text}`));
            return true;
          }
          awaited = Number(length[1]);
          bytes -= end + 4;
          if (method === 'GET' && awaited !== sizeBytes) reject(new Error(`an answer of ${String(awaited)} bytes`));
        }
        awaited -= bytes;
        if (awaited === 0) next();
        return true;
      };
      socket.on('connect', next);
      socket.on('error', reject);
      socket.on('close', () => {
        if (awaited !== 0) reject(new Error('the connection was closed in the middle'));
      });
    });
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: inFlight }, lane));
  return performance.now() - startedMs;
}

function toHead(port: number, method: string, path: string, body: Buffer, payloadHash: string): Buffer {
  const own: [string, string][] = [['Host', `127.0.0.1:${String(port)}`]];
  if (method === 'PUT') own.push(['Content-Type', 'application/octet-stream'], ['Content-Length', String(body.length)]);
  const { headers } = signRequest(nodeCrypto, {
    request: { method, path, query: '', headers: own },
    credentials: CREDENTIALS,
    region: 'us-east-1',
    service: 's3',
    pathRule: 's3',
    payloadHash,
    at: new Date(),
  });
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${headers.map(([n, v]) => `${n}: ${v}\r\n`).join('')}\r\n`);
}
