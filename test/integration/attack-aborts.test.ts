/**
 * Connections that are cut where it hurts, and requests that do not wait for their turn: the process lives on, what they held is given
 * back, and requests of one connection are served in their order. An exception that nobody catches fails the test that runs.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { IncomingMessage, ServerResponse } from 'node:http';
import net from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { checksumHeader } from '../../core/checksums.ts';
import { MemoryBudget } from '../../gateway/listener/memory-budget.ts';
import { computeChecksum } from '../../stores/rules/checksum-hash.ts';
import { createMemoryStore } from '../../stores/memory/create-memory-store.ts';
import { RawConnection } from '../support/raw-connection.ts';
import { send, sign, type RequestPlan } from '../support/signed-request.ts';
import { startFakeProvider } from '../support/start-fake-provider.ts';
import { providerStore, startGateway } from '../support/start-gateway.ts';
import { startStore, type StartedStore } from '../support/start-store.ts';
import { until } from '../support/until.ts';

const BIG_BYTES = 16 * 1024 * 1024;

function head(store: StartedStore, plan: RequestPlan): string {
  const { target, headers } = sign(store, plan);
  return `${plan.method} ${target} HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
}

describe('a connection that is cut', () => {
  it('behind a CONNECT costs nobody but itself', async () => {
    const store = await startStore({ buckets: ['bucket'] });
    try {
      for (let count = 0; count < 5; count++) {
        const socket = net.connect(store.port, '127.0.0.1');
        socket.on('error', () => undefined);
        await once(socket, 'connect');
        socket.write('CONNECT a.b:443 HTTP/1.1\r\nHost: a.b:443\r\n\r\n', () => socket.resetAndDestroy());
        await once(socket, 'close');
      }
      // Closed by the caller after the answer: nobody waits for more of it.
      const polite = await RawConnection.open(store.port);
      polite.write('CONNECT a.b:443 HTTP/1.1\r\nHost: a.b:443\r\n\r\n');
      assert.equal((await polite.read())?.code, 'BadRequest');
      polite.end();
      await until(() => store.stats().open === 0);
      const { status } = await send(store, { method: 'PUT', target: '/bucket/key', body: 'after' });
      assert.equal(status, 200);
      assert.deepEqual(store.logged, []);
    } finally {
      await store.close();
    }
  });

  it('with a request that waits for its turn gives back what both hold', async () => {
    const memory = new MemoryBudget(10_000_000);
    const store = await startStore({ buckets: ['bucket'], memory });
    try {
      const big = { method: 'PUT', target: '/bucket/big', body: Buffer.alloc(BIG_BYTES, 'x') };
      assert.equal((await send(store, big)).status, 200);
      const body = randomBytes(150_000);
      for (const left of [body, body.subarray(0, 75_000)]) {
        const socket = net.connect(store.port, '127.0.0.1');
        socket.on('error', () => undefined);
        socket.pause();
        socket.write(head(store, { method: 'GET', target: '/bucket/big' }));
        socket.write(head(store, { method: 'PUT', target: '/bucket/second', body }));
        socket.write(left);
        await until(() => store.stats().inFlight > 0);
        await sleep(200);
        socket.destroy();
        await until(() => store.stats().open === 0);
        await until(() => store.stats().inFlight === 0);
        assert.equal(memory.heldBytes, 0);
      }
      assert.deepEqual(store.logged, []);
    } finally {
      await store.close();
    }
  });

  it('before a body is held takes nothing from the budget', () => {
    const memory = new MemoryBudget(1_000);
    const response = new ServerResponse(new IncomingMessage(new net.Socket()));
    response.destroy();
    assert.throws(() => memory.hold(response, 500), /caller/);
    assert.equal(memory.heldBytes, 0);
  });
});

describe('a body that goes on behind its refusal', () => {
  it('is drained, whatever checksum it promised', async () => {
    // A provider that refuses by the head alone.
    const provider = net.createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.once('data', () => socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n'));
    });
    provider.listen(0, '127.0.0.1');
    await once(provider, 'listening');
    const { port } = provider.address() as net.AddressInfo;
    const gateway = await startGateway({
      stores: [providerStore(`http://127.0.0.1:${String(port)}`)],
      keys: [{ name: 'etl' }],
    });
    try {
      const caller = gateway.caller('etl');
      const body = randomBytes(1_000_000);
      for (const algorithm of ['CRC64NVME', 'CRC32C', 'XXHASH64'] as const) {
        const plan = {
          method: 'PUT',
          target: '/bucket/key',
          body,
          headers: [
            [checksumHeader(algorithm), Buffer.from(await computeChecksum(algorithm, body)).toString('base64')],
          ],
        } as const;
        const connection = await RawConnection.open(caller.port);
        connection.write(head(caller, plan));
        connection.write(body.subarray(0, 400_000));
        assert.equal((await connection.read())?.status, 403);
        connection.write(body.subarray(400_000, 900_000));
        await sleep(50);
        connection.destroy();
      }
    } finally {
      await gateway.close();
      provider.close();
    }
  });
});

describe('an object whose bytes were asked for and not sent', () => {
  it('gives its disk space back when it is deleted', async () => {
    const store = await startStore({ buckets: ['bucket'] });
    const body = randomBytes(100_000);
    const source = ['x-amz-copy-source', '/bucket/key'] as const;
    const directive = ['x-amz-metadata-directive', 'REPLACE'] as const;
    const asked: readonly (readonly [RequestPlan, number])[] = [
      [{ method: 'GET', target: '/bucket/key', headers: [['If-Match', '"another"']] }, 412],
      [{ method: 'GET', target: '/bucket/key', headers: [['If-None-Match', '*']] }, 304],
      [{ method: 'PUT', target: '/absent/key', body: '', headers: [source] }, 404],
      [{ method: 'PUT', target: '/bucket/copy', body: '', headers: [source, ['If-Match', '"another"']] }, 404],
      [
        { method: 'PUT', target: '/bucket/copy', body: '', headers: [source, ['x-amz-copy-source-if-match', '"a"']] },
        412,
      ],
      [{ method: 'PUT', target: '/bucket/key', body: '', headers: [source, directive, ['If-None-Match', '*']] }, 412],
      [
        {
          method: 'PUT',
          target: `/bucket/copy?partNumber=1&uploadId=${'0'.repeat(32)}`,
          body: '',
          headers: [source],
        },
        404,
      ],
    ];
    const files = async (): Promise<number> =>
      (await readdir(join(store.root, 'data'), { recursive: true, withFileTypes: true })).filter((one) => one.isFile())
        .length;
    try {
      for (const [plan, status] of asked) {
        const shown = `${plan.method} ${plan.target} ${JSON.stringify(plan.headers)}`;
        assert.equal((await send(store, { method: 'PUT', target: '/bucket/key', body })).status, 200);
        assert.equal((await send(store, plan)).status, status, shown);
        assert.equal((await send(store, { method: 'DELETE', target: '/bucket/key' })).status, 204);
        await until(async () => (await files()) === 0).catch(() => assert.fail(`a file is left by ${shown}`));
      }
    } finally {
      await store.close();
    }
  });
});

describe('a request that is under way while the configuration changes', () => {
  it('goes to the store that it was allowed for, which is there until then', async () => {
    const [before, after] = [await startFakeProvider(), await startFakeProvider()];
    const gateway = await startGateway({
      stores: [providerStore(before.endpoint)],
      keys: [{ name: 'etl', upload: true }],
    });
    try {
      const caller = gateway.caller('etl');
      const body = randomBytes(100_000);
      const envelope = JSON.stringify({
        target_url: `${before.endpoint}/bucket/uploaded`,
        method: 'PUT',
        payload_base64: body.toString('base64'),
      });
      const asked = [
        { plan: { method: 'PUT', target: '/bucket/put', body }, bytes: body },
        { plan: { method: 'POST', target: '/upload', body: envelope }, bytes: Buffer.from(envelope) },
      ];
      const connections = await Promise.all(
        asked.map(async ({ plan, bytes }) => {
          const connection = await RawConnection.open(caller.port);
          connection.write(head(caller, { ...plan, headers: [['Expect', '100-continue']] }));
          // Its 100 says that the policy has said yes.
          await until(() => connection.left.startsWith('HTTP/1.1 100'));
          connection.write(bytes.subarray(0, 50_000));
          return connection;
        }),
      );
      await gateway.reload({ stores: [providerStore(after.endpoint)] });
      for (const [index, { bytes }] of asked.entries()) {
        connections[index]?.write(bytes.subarray(50_000));
        const answer = await connections[index]?.read();
        assert.equal(answer?.status, 200, answer?.text);
        connections[index]?.destroy();
      }
      assert.deepEqual(before.requests.map(({ url }) => url).sort(), ['/bucket/put', '/bucket/uploaded']);
      assert.deepEqual(after.requests, []);
    } finally {
      await gateway.close();
      await before.close();
      await after.close();
    }
  });
});

describe('requests that are sent without waiting', () => {
  it('are served one after the other, as they were sent', async () => {
    const kept = createMemoryStore();
    await kept.createBucket('bucket');
    let running = 0;
    const overlaps: number[] = [];
    const store = await startStore({
      store: {
        ...kept,
        put: async (...asked) => {
          overlaps.push(running++);
          // The first is the slowest: side by side the last to end would be the first that was sent.
          await sleep(asked[1].sizeBytes === 1 ? 100 : 1);
          running -= 1;
          return kept.put(...asked);
        },
      },
    });
    try {
      const put = (body: string): string => `${head(store, { method: 'PUT', target: '/bucket/key', body })}${body}`;
      const connection = await RawConnection.open(store.port);
      connection.write(put('1') + put('22') + put('333') + head(store, { method: 'GET', target: '/bucket/key' }));
      for (let count = 0; count < 3; count++) assert.equal((await connection.read())?.status, 200);
      assert.equal((await connection.read())?.text, '333');
      assert.deepEqual(overlaps, [0, 0, 0]);
      connection.destroy();
    } finally {
      await store.close();
    }
  });

  it('are answered as long as they are few, and cost a connection that brings them without end', async () => {
    const store = await startStore({ buckets: ['bucket'] });
    try {
      const one = head(store, { method: 'HEAD', target: '/bucket' });
      const few = await RawConnection.open(store.port);
      few.write(one.repeat(50));
      for (let count = 0; count < 50; count++) assert.equal((await few.read(true))?.status, 200);
      few.destroy();
      const many = await RawConnection.open(store.port);
      many.write(one.repeat(2_000));
      await many.closed();
      const served = store.adminCounts().requests('HeadBucket') - 50;
      assert.ok(served < 2_000, `${String(served)} of 2000 were served`);
      assert.deepEqual(store.logged, []);
    } finally {
      await store.close();
    }
  });
});
