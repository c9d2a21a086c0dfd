/** The answer to a GetObject that is kept whole: in the memory that it is given, in whatever pieces it comes. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MiB } from '../../core/limits.ts';
import { ObjectExchange, type ReadAnswer } from '../../gateway/provider/object-exchange.ts';
import { createHttpClient } from '../../http1/client.ts';
import { createConnector } from '../../http1/connector.ts';
import { READ_OPTIONS } from '../../http1/socket-reads.ts';

const BYTES = randomBytes(3 * MiB);

for (const pieceBytes of [5000, 40_000, 100_000, 200_000, BYTES.length]) {
  test(`an object that comes by ${pieceBytes} bytes is read into the memory that it is given, and hashed`, async () => {
    const memory = Buffer.alloc(BYTES.length);
    const server = http.createServer((_, response) => {
      response.writeHead(200, { 'content-length': BYTES.length });
      void (async () => {
        for (let at = 0; at < BYTES.length; at += pieceBytes) {
          response.write(BYTES.subarray(at, at + pieceBytes));
          await sleep(1);
        }
        response.end();
      })();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const connect = createConnector({ timeoutMs: 60_000, onread: READ_OPTIONS });
    const client = createHttpClient({ connectionsMax: 1, connect, answerMs: 0, idleMs: 0, keepAliveMs: 10_000 });
    try {
      const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const answer = await new Promise<ReadAnswer>((resolve, reject) => {
        const asked = { accept: () => memory, isHashed: true };
        const request = { origin, method: 'GET', target: '/', headers: ['host', 'a'], body: null };
        client.dispatch(request, new ObjectExchange(asked, resolve, reject));
      });
      assert.ok('object' in answer);
      const { bytes, sha256 } = answer.object;
      assert.equal(bytes, memory);
      assert.ok(memory.equals(BYTES));
      assert.equal(sha256, createHash('sha256').update(BYTES).digest('hex'));
    } finally {
      client.close();
      server.close();
      server.closeAllConnections();
    }
  });
}
