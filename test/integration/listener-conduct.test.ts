/** What a connection may do to a listener: nothing that costs others, and nothing that spoils what was asked before. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, describe, it } from 'node:test';
import { MemoryBudget } from '../../gateway/listener/memory-budget.ts';
import { createMemoryStore } from '../../stores/memory/create-memory-store.ts';
import type { Store } from '../../stores/store.ts';
import { RawConnection } from '../support/raw-connection.ts';
import { send, sign, type RequestPlan } from '../support/signed-request.ts';
import { startStore, type StartedStore } from '../support/start-store.ts';
import { until } from '../support/until.ts';

const BIG_BYTES = 32 * 1024 * 1024;

function head(store: StartedStore, plan: RequestPlan): string {
  const { target, headers } = sign(store, plan);
  return `${plan.method} ${target} HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
}

/** Writes bytes as they are; resolves with everything that came back once the server has closed. */
async function raw(store: StartedStore, ...pieces: readonly string[]): Promise<string> {
  const socket = net.connect(store.port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString('latin1')));
  socket.on('error', () => {});
  const closed = once(socket, 'close');
  await once(socket, 'connect');
  for (const piece of pieces) socket.write(piece);
  await closed;
  return text;
}

describe('bytes behind a request that arrived whole', () => {
  let store: StartedStore;
  before(async () => {
    store = await startStore({ buckets: ['bucket'] });
  });
  after(() => store.close());
  const put: RequestPlan = { method: 'PUT', target: '/bucket/key', body: 'payload' };

  it('do not spoil it: it is answered by what was done, and they by 400', async () => {
    const before = store.adminCounts().records.length;
    const text = await raw(store, `${head(store, put)}payload\0garbage\r\n\r\n`);
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n[\s\S]*HTTP\/1\.1 400 Bad Request[\s\S]*<Code>BadRequest</);
    assert.equal((await store.store.head({ bucket: 'bucket', key: 'key' })).sizeBytes, 7);
    const records = store.adminCounts().records.slice(before);
    assert.deepEqual(
      records.map(({ operation, status }) => [operation, status]),
      [
        ['PutObject', 200],
        ['Unknown', 400],
      ],
    );
    assert.deepEqual(store.logged, [], 'nothing of this is a defect of ours');
  });

  it('are one bad request, however many pieces they come in', async () => {
    const before = store.adminCounts().records.length;
    const text = await raw(store, `${head(store, put)}payload`, '\0\0\0', '\0more', 'GET / HTTP/1.1\r\n\r\n');
    assert.equal(text.match(/HTTP\/1\.1 /g)?.length, 2, text);
    assert.equal(store.adminCounts().records.length, before + 2);
  });

  it('leave two requests that were sent at once their answers, in their order', async () => {
    const get = head(store, { method: 'GET', target: '/bucket/key' });
    const text = await raw(store, `${head(store, put)}payload${get}\0\0\0`);
    assert.deepEqual(
      [...text.matchAll(/HTTP\/1\.1 (\d+) /g)].map((match) => match[1]),
      ['200', '200', '400'],
      text,
    );
    assert.match(text, /\r\n\r\npayload/);
  });
});

describe('a caller that has sent all it will and closes its half', () => {
  it('gets the answers to all that it asked, and the connection ends', async () => {
    const store = await startStore({ buckets: ['bucket'] });
    try {
      const body = 'x'.repeat(100_000);
      const plan: RequestPlan = { method: 'PUT', target: '/bucket/half', body };
      const get = head(store, { method: 'GET', target: '/bucket/half' });
      const connection = await RawConnection.open(store.port);
      connection.write(head(store, plan) + body + get + get);
      connection.end();
      assert.equal((await connection.read())?.status, 200);
      for (let count = 0; count < 2; count++) assert.equal((await connection.read())?.text, body);
      await connection.closed();
      assert.equal(connection.left, '');
      await until(() => store.stats().open === 0);
      assert.equal(store.stats().inFlight, 0);
    } finally {
      await store.close();
    }
  });

  it('is left alone when nothing was on its way to it for a while, and what it asked for is stopped', async () => {
    const kept = createMemoryStore();
    await kept.createBucket('bucket');
    let signal: AbortSignal | undefined;
    const list = (asked: Parameters<Store['list']>[0]): ReturnType<Store['list']> => {
      signal = asked.signal;
      return new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(new DOMException('left', 'AbortError')));
      });
    };
    const store = await startStore({ store: { ...kept, list } });
    try {
      const connection = await RawConnection.open(store.port);
      connection.write(head(store, { method: 'GET', target: '/bucket?list-type=2' }));
      connection.end();
      await connection.closed();
      await until(() => signal?.aborted === true);
      assert.equal(store.stats().inFlight, 0);
    } finally {
      await store.close();
    }
  });
});

describe('a connection on which nothing moves', () => {
  let store: StartedStore;
  before(async () => {
    store = await startStore({ buckets: ['bucket'], limits: { idleLimitMs: 400 } });
    const { status } = await send(store, { method: 'PUT', target: '/bucket/big', body: Buffer.alloc(BIG_BYTES, 'x') });
    assert.equal(status, 200);
  });
  after(() => store.close());

  it('is cut when its reader takes nothing of the answer', async () => {
    const socket = net.connect(store.port, '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.pause();
    socket.write(head(store, { method: 'GET', target: '/bucket/big' }));
    const asked = () => store.adminCounts().records.find(({ operation }) => operation === 'GetObject');
    await until(() => asked() !== undefined);
    assert.deepEqual([asked()?.status, asked()?.code], [499, 'RequestTimeout']);
    assert.equal(store.stats().stalled, 1);
    let bytes = 0;
    socket.on('data', (chunk) => (bytes += chunk.length));
    socket.resume();
    await once(socket, 'close');
    assert.ok(bytes < BIG_BYTES, 'the answer broke off');
  });

  it('is answered and cut when its body comes to a halt, long before the limit of the whole request', async () => {
    const plan: RequestPlan = { method: 'PUT', target: '/bucket/halt', body: 'x'.repeat(1_000_000) };
    const text = await raw(store, `${head(store, plan)}${'x'.repeat(500_000)}`);
    assert.match(text, /^HTTP\/1\.1 400 [\s\S]*<Code>RequestTimeout</);
    await assert.rejects(store.store.head({ bucket: 'bucket', key: 'halt' }), { type: 'no_such_key' });
  });

  it('is closed though the other side keeps its half open', async () => {
    const socket = net.connect({ port: store.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => {});
    socket.resume();
    await once(socket, 'connect');
    socket.write('nonsense\r\n\r\n');
    await until(() => store.stats().open === 0);
    socket.destroy();
  });
});

describe('more connections than a listener bears', () => {
  const open = async (store: StartedStore): Promise<{ socket: net.Socket; isServed: boolean }> => {
    const socket = net.connect(store.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write('GET /unsigned HTTP/1.1\r\nHost: a\r\n\r\n');
    const isServed = await new Promise<boolean>((resolve) => {
      socket.once('data', () => resolve(true));
      socket.once('close', () => resolve(false));
    });
    return { socket, isServed };
  };

  for (const [claim, limits] of [
    ['from one address', { connectionsPerAddressMax: 3 }],
    ['from everywhere', { connectionsMax: 3 }],
  ] as const) {
    it(`are closed at once, ${claim}, and come in again when others have gone`, async () => {
      const store = await startStore({ limits });
      try {
        const three = [await open(store), await open(store), await open(store)];
        assert.deepEqual(
          three.map(({ isServed }) => isServed),
          [true, true, true],
        );
        assert.equal((await open(store)).isServed, false);
        assert.deepEqual([store.stats().open, store.stats().dropped], [3, 1]);
        three[0]?.socket.destroy();
        await until(() => store.stats().open === 2);
        const again = await open(store);
        assert.equal(again.isServed, true);
        for (const { socket } of [...three, again]) socket.destroy();
      } finally {
        await store.close();
      }
    });
  }
});

describe('bodies that are held whole', () => {
  it('are refused beyond the budget before they are asked for, and taken again when others have gone', async () => {
    const memory = new MemoryBudget(200_000);
    const store = await startStore({ buckets: ['bucket'], memory });
    const body = randomBytes(150_000);
    const put: RequestPlan = { method: 'PUT', target: '/bucket/key', body };
    try {
      // Half of a body that never comes whole: its place is taken.
      const holder = net.connect(store.port, '127.0.0.1');
      holder.write(head(store, put));
      holder.write(body.subarray(0, 75_000));
      await until(() => memory.heldBytes === body.length);
      const refused = await send(store, { ...put, target: '/bucket/other' });
      assert.deepEqual([refused.status, refused.code, refused.headers['retry-after']], [503, 'SlowDown', '1']);
      // What is streamed holds nothing, and a small one fits.
      assert.equal((await send(store, { ...put, target: '/bucket/small', body: 'x' })).status, 200);
      assert.equal((await send(store, { ...put, target: '/bucket/large', body: randomBytes(900_000) })).status, 200);
      holder.destroy();
      await until(() => memory.heldBytes === 0);
      assert.equal((await send(store, { ...put, target: '/bucket/other' })).status, 200);
      assert.equal(memory.heldBytes, 0);
    } finally {
      await store.close();
    }
  });
});
