/**
 * Requests per second of a served directory: 4 KiB objects over keep-alive connections, each request presigned or signed once and
 * sent again and again (inside the fifteen minutes a signature may be), so that the client's signing is not what is measured.
 * The load runs in this process, the store in another: `node --import tsx bench/store-requests.ts [SECONDS] [CONNECTIONS]`.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeCrypto } from '../sigv4/node-crypto.ts';
import { signRequest } from '../sigv4/sign.ts';
import { readArguments, takeAtMost, toCount } from './run/arguments.ts';

const { seconds, connections } = readArguments(
  'node --import tsx bench/store-requests.ts [SECONDS] [CONNECTIONS]',
  (args) => {
    const [secondsText = '3', connectionsText = '16'] = takeAtMost(args, 2);
    return { seconds: toCount('SECONDS', secondsText), connections: toCount('CONNECTIONS', connectionsText) };
  },
);
const credentials = { accessKeyId: 'AKIDBENCH', secretAccessKey: 'bench-secret' };
const payload = Buffer.alloc(4096, 'x');

const root = await mkdtemp(join(tmpdir(), 'waybill-bench-'));
const entry = process.env['BENCH_ENTRY']?.split(' ') ?? ['--import', 'tsx', 'cli/main.ts'];
const fsync = process.env['BENCH_FSYNC'] === '1' ? [] : ['--no-fsync'];
const child = spawn(
  process.execPath,
  [...entry, 'store', '--root', root, '--listen', '127.0.0.1:0', '--bucket', 'bench', ...fsync],
  {
    env: {
      ...process.env,
      WAYBILL_ACCESS_KEY_ID: credentials.accessKeyId,
      WAYBILL_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
const port = await new Promise<number>((resolve) => {
  child.stdout.on('data', (chunk: Buffer) => resolve(Number(/:(\d+) root/.exec(chunk.toString())?.[1])));
});

function toBytes(method: string, path: string, body: Buffer | null): Buffer {
  const { headers } = signRequest(nodeCrypto, {
    request: { method, path, query: '', headers: [['Host', `127.0.0.1:${String(port)}`]] },
    credentials,
    region: 'us-east-1',
    service: 's3',
    pathRule: 's3',
    payloadHash: createHash('sha256')
      .update(body ?? '')
      .digest('hex'),
    at: new Date(),
  });
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const length = body === null ? '' : `content-length: ${String(body.length)}\r\n`;
  const head = Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines}${length}\r\n`);
  return body === null ? head : Buffer.concat([head, body]);
}

/** Sends the requests by turns on every connection until the time is up; an answer ends when its Content-Length is in. */
async function load(requests: readonly Buffer[], hasBody: boolean): Promise<{ rate: number; done: number }> {
  let done = 0;
  const until = performance.now() + seconds * 1000;
  const worker = (offset: number): Promise<void> =>
    new Promise((resolve, reject) => {
      let next = offset;
      let pending = Buffer.alloc(0);
      const socket = net.connect(port, '127.0.0.1', () => socket.write(requests[next++ % requests.length]!));
      socket.setNoDelay(true);
      socket.on('error', reject);
      socket.on('data', (chunk) => {
        pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
        const end = pending.indexOf('\r\n\r\n');
        if (end < 0) return;
        const head = pending.toString('latin1', 0, end);
        if (!head.startsWith('HTTP/1.1 2')) return reject(new Error(pending.toString()));
        const length = hasBody ? Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0) : 0;
        if (pending.length < end + 4 + length) return;
        pending = Buffer.alloc(0);
        done += 1;
        if (performance.now() < until) socket.write(requests[next++ % requests.length]!);
        else {
          socket.destroy();
          resolve();
        }
      });
    });
  const started = performance.now();
  await Promise.all(Array.from({ length: connections }, (_, index) => worker(index * 37)));
  return { rate: Math.round((done * 1000) / (performance.now() - started)), done };
}

/** CPU time of the store's process where /proc tells it, NaN elsewhere: on a busy machine it says more than the rate. */
function readCpuMs(): number {
  try {
    const fields =
      readFileSync(`/proc/${String(child.pid)}/stat`, 'utf8')
        .split(') ')[1]
        ?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return NaN;
  }
}

const keys = Array.from({ length: 500 }, (_, index) => `/bench/dir/object-${String(index)}`);
for (const [name, method, body] of [
  ['PutObject', 'PUT', payload],
  ['GetObject', 'GET', null],
  ['HeadObject', 'HEAD', null],
] as const) {
  const before = readCpuMs();
  const { rate, done } = await load(
    keys.map((key) => toBytes(method, key, body)),
    method !== 'HEAD',
  );
  const cpu = Number.isNaN(before)
    ? ''
    : `, ${String(Math.round(((readCpuMs() - before) * 1000) / done))} µs of CPU each`;
  console.log(`${name} of 4 KiB: ${String(rate)} requests/s with ${String(connections)} connections${cpu}`);
}
child.kill('SIGTERM');
await new Promise((resolve) => child.on('close', resolve));
await rm(root, { recursive: true, force: true });
