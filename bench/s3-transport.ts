/**
 * What one GET and one PUT of 1 KiB cost in a client process: node:http, undici's `request` and `dispatch`, and http1/, against
 * a server in another process that answers without parsing much. Prints wall time and the client's CPU for 10,000 of each.
 *
 * node --import tsx bench/s3-transport.ts
 */
import { fork } from 'node:child_process';
import http from 'node:http';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import { createHttpClient } from '../http1/client.ts';
import { createConnector } from '../http1/connector.ts';
import type { HttpClient } from '../http1/client.ts';
import { READ_OPTIONS } from '../http1/socket-reads.ts';

const OBJECTS = 10_000;
const CONCURRENCY = 16;
const payload = Buffer.alloc(1024, 0x61);
const headers = {
  'x-amz-date': '20260101T000000Z',
  'x-amz-content-sha256': 'a'.repeat(64),
  authorization: `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=${'b'.repeat(64)}`,
};

if (process.argv[2] === 'serve') serveNull();
else await measureAll();

function serveNull(): void {
  const answer = `HTTP/1.1 200 OK\r\nETag: "0cc175b9c0f1b6a831c399e269772661"\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: binary/octet-stream\r\nx-amz-request-id: 0123456789ABCDEF\r\n`;
  const getAnswer = Buffer.concat([Buffer.from(`${answer}Content-Length: 1024\r\n\r\n`), payload]);
  const putAnswer = Buffer.from(`${answer}Content-Length: 0\r\n\r\n`);
  const server = net.createServer((socket) => {
    socket.setNoDelay(true);
    let pending = Buffer.alloc(0);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      for (;;) {
        const end = pending.indexOf('\r\n\r\n');
        if (end < 0) return;
        const put = pending[0] === 0x50;
        const total = end + 4 + (put ? payload.length : 0);
        if (pending.length < total) return;
        pending = pending.subarray(total);
        socket.write(put ? putAnswer : getAnswer);
      }
    });
  });
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as net.AddressInfo).port));
}

type Send = (method: 'GET' | 'PUT', path: string) => Promise<number>;

function createHttpSend(port: number): Send {
  const agent = new http.Agent({ keepAlive: true, maxSockets: CONCURRENCY });
  return (method, path) =>
    new Promise((resolve, reject) => {
      const length = method === 'PUT' ? { 'content-length': payload.length } : {};
      const request = http.request({
        host: '127.0.0.1',
        port,
        agent,
        method,
        path,
        headers: { ...headers, ...length },
      });
      request.on('error', reject);
      request.on('response', (response) => {
        let size = 0;
        response.on('data', (chunk: Buffer) => (size += chunk.length));
        response.on('end', () => resolve(size));
      });
      request.end(method === 'PUT' ? payload : undefined);
    });
}

function createRequestSend(pool: Pool): Send {
  return async (method, path) => {
    const { body } = await pool.request({ method, path, headers, body: method === 'PUT' ? payload : null });
    return (await body.bytes()).length;
  };
}

function createDispatchSend(pool: Pool): Send {
  return (method, path) =>
    new Promise((resolve, reject) => {
      let size = 0;
      pool.dispatch(
        { method, path, headers, body: method === 'PUT' ? payload : null },
        {
          onRequestStart: () => undefined,
          onResponseStart: () => undefined,
          onResponseData: (_, chunk) => void (size += chunk.length),
          onResponseEnd: () => resolve(size),
          onResponseError: (_, error) => reject(error),
        },
      );
    });
}

function createOwnSend(client: HttpClient, port: number): Send {
  const list = Object.entries({ host: `127.0.0.1:${port}`, ...headers }).flat();
  const origin = `http://127.0.0.1:${port}`;
  return (method, target) =>
    new Promise((resolve, reject) => {
      let size = 0;
      client.dispatch(
        { origin, method, target, headers: list, body: method === 'PUT' ? payload : null },
        {
          onStart: () => undefined,
          onHead: () => undefined,
          onData: (chunk) => void (size += chunk.length),
          onEnd: () => resolve(size),
          onError: (error) => reject(error),
        },
      );
    });
}

async function measureAll(): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), ['serve']);
  const port = await new Promise<number>((resolve) => child.once('message', (message) => resolve(message as number)));
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: CONCURRENCY });
  const client = createHttpClient({
    connectionsMax: CONCURRENCY,
    connect: createConnector({ timeoutMs: 10_000, onread: READ_OPTIONS }),
    answerMs: 0,
    idleMs: 0,
    keepAliveMs: 10_000,
  });
  try {
    const sends: [string, Send][] = [
      ['node:http', createHttpSend(port)],
      ['undici request', createRequestSend(pool)],
      ['undici dispatch', createDispatchSend(pool)],
      ['http1', createOwnSend(client, port)],
    ];
    for (const round of [1, 2, 3]) for (const [name, send] of sends) await measure(`${name} (round ${round})`, send);
  } finally {
    await pool.destroy();
    client.close();
    child.kill();
  }
}

async function measure(name: string, send: Send): Promise<void> {
  const before = process.cpuUsage();
  const start = performance.now();
  let next = 0;
  const lane = async () => {
    while (next < OBJECTS) {
      const path = `/bucket/key-${next++}`;
      if ((await send('GET', path)) !== payload.length) throw new Error('a body was cut');
      await send('PUT', path);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, lane));
  const cpu = process.cpuUsage(before);
  const wallSeconds = (performance.now() - start) / 1000;
  console.log(`${name}: ${wallSeconds.toFixed(2)} s wall, ${((cpu.user + cpu.system) / 1e6).toFixed(2)} s of CPU`);
}
