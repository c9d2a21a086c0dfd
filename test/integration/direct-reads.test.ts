/** Large bodies that are read past node:http: the same bytes, the same ends, the same refusals. */
import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { after, before, beforeEach, describe, it } from 'node:test';
import { readDirectly, type DirectReads } from '../../gateway/body/direct-reads.ts';
import { RawConnection } from '../support/raw-connection.ts';
import { sign } from '../support/signed-request.ts';
import { answerWell, startFakeProvider, type FakeProvider } from '../support/start-fake-provider.ts';
import { providerStore, startGateway, type StartedGateway } from '../support/start-gateway.ts';
import { until } from '../support/until.ts';

const MiB = 1024 * 1024;

/** In pieces of any size, some of them in a turn of their own. */
async function writeInPieces(connection: RawConnection, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.byteLength;) {
    const end = at + randomInt(1, 700_000);
    connection.write(bytes.subarray(at, end));
    if (randomInt(3) === 0) await turn();
    at = end;
  }
}

describe('a body of node:http that is read past it', () => {
  let server: http.Server;
  let port: number;
  let got: { body: Buffer; directBytes: number; isDirect: boolean }[];
  /** What the head promises, and what readDirectly is told, differ by so much. */
  let wrongBytes: number;
  let last: DirectReads | null;

  before(async () => {
    server = http.createServer((request, response) => {
      const pieces: Uint8Array[] = [];
      const one = { body: Buffer.alloc(0), directBytes: 0, isDirect: false };
      let bytes = 0;
      const keep = (piece: Uint8Array): void => void (pieces.push(piece), (bytes += piece.byteLength));
      request.on('data', keep);
      request.once('data', () => {
        process.nextTick(() => {
          const left = Number(request.headers['content-length']) - bytes + wrongBytes;
          const direct = readDirectly(request, left, (piece) => {
            one.directBytes += piece.byteLength;
            // As it is, without a copy: it is ours.
            keep(piece);
            return true;
          });
          one.isDirect = direct !== null;
          last = direct;
        });
      });
      request.on('end', () => {
        one.body = Buffer.concat(pieces);
        got.push(one);
        response.end(`${String(one.body.byteLength)}`);
      });
      request.on('error', () => undefined);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as net.AddressInfo).port;
  });
  beforeEach(() => {
    got = [];
    wrongBytes = 0;
    last = null;
  });
  after(() => server.close());

  const request = (body: Buffer): Buffer =>
    Buffer.concat([
      Buffer.from(`PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: ${String(body.byteLength)}\r\n\r\n`),
      body,
    ]);

  it('is what was sent, and so are the requests before and behind it on the connection', async () => {
    for (let round = 0; round < 5; round++) {
      got = [];
      const sizes = [2 * MiB + randomInt(MiB), 10, 3 * MiB, randomInt(1, 200_000), MiB + randomInt(MiB), 0];
      const bodies = sizes.map((size) => randomBytes(size));
      const connection = await RawConnection.open(port);
      await writeInPieces(connection, Buffer.concat(bodies.map(request)));
      for (const body of bodies) assert.equal((await connection.read())?.text, String(body.byteLength));
      assert.equal(got.length, bodies.length);
      for (const [index, { body }] of got.entries()) assert.ok(body.equals(bodies[index] as Buffer), `body ${index}`);
      const large = got.filter(({ body }) => body.byteLength > MiB);
      assert.ok(large.every(({ isDirect, directBytes, body }) => isDirect && directBytes > body.byteLength / 2));
      connection.destroy();
    }
  });

  it('goes on the ordinary way once it is left', async () => {
    const body = randomBytes(4 * MiB);
    const bytes = request(body);
    const connection = await RawConnection.open(port);
    connection.write(bytes.subarray(0, 300_000));
    await until(() => last !== null);
    last?.leave();
    connection.write(bytes.subarray(300_000));
    assert.equal((await connection.read())?.text, String(body.byteLength));
    assert.ok(got[0]?.body.equals(body));
    assert.ok((got[0]?.directBytes ?? MiB) < MiB);
    connection.destroy();
  });

  it('is cut where the parser and the length that was told differ', async () => {
    for (const wrong of [1, 100_000, -1, -70_000]) {
      wrongBytes = wrong;
      got = [];
      const connection = await RawConnection.open(port);
      connection.write(request(randomBytes(2 * MiB)));
      await connection.closed();
      assert.equal(await connection.read(), null, `${wrong} bytes more`);
    }
  });

  it('is not, where Node keeps other names or the connection is encrypted', () => {
    const socket = new net.Socket();
    const asked = (more: object): http.IncomingMessage =>
      ({ socket: Object.assign(socket, more), readableLength: 0, complete: false, headers: {} }) as never;
    const parser = Object.assign(Object.create({ constructor: { kOnBody: 3 } }) as object, { 3: () => undefined });
    assert.equal(
      readDirectly(asked({}), MiB, () => false),
      null,
      'no parser',
    );
    assert.equal(
      readDirectly(asked({ parser: {} }), MiB, () => false),
      null,
      'a parser without the slot',
    );
    assert.equal(
      readDirectly(asked({ parser, _handle: {} }), MiB, () => false),
      null,
      'a handle without the method',
    );
    assert.equal(
      readDirectly(asked({ parser, encrypted: true }), MiB, () => false),
      null,
      'TLS',
    );
    assert.equal(socket.listenerCount('data'), 0, 'nothing was changed');
  });
});

describe('a large body through a gateway', () => {
  let provider: FakeProvider;
  let gateway: StartedGateway;
  before(async () => {
    provider = await startFakeProvider();
    gateway = await startGateway({ stores: [providerStore(provider.endpoint)], keys: [{ name: 'worker' }] });
  });
  beforeEach(() => {
    provider.requests.length = 0;
    provider.script = answerWell;
  });
  after(async () => {
    await gateway.close();
    await provider.close();
  });

  const toBytes = (name: string, body: Buffer, sent = body): Buffer => {
    const caller = gateway.caller('worker');
    const { target, headers } = sign(caller, { method: 'PUT', target: `/bucket/${name}`, body });
    const lines = headers.map(([header, value]) => `${header}: ${value}\r\n`).join('');
    return Buffer.concat([Buffer.from(`PUT ${target} HTTP/1.1\r\n${lines}\r\n`), sent]);
  };
  const open = (): Promise<RawConnection> => RawConnection.open(gateway.caller('worker').port);

  it('reaches the store as it is, in whatever pieces it comes, one behind the other and side by side', async () => {
    await Promise.all(
      [0, 1, 2, 3].map(async (lane) => {
        const bodies = [MiB, 100, 2 * MiB + 77, 300_000].map((size) => randomBytes(size));
        const connection = await open();
        for (const [index, body] of bodies.entries()) {
          await writeInPieces(connection, toBytes(`${lane}-${index}`, body));
          assert.equal((await connection.read())?.status, 200);
          const at = provider.requests.find(({ url }) => url.endsWith(`/${lane}-${index}`));
          assert.ok(at?.isComplete === true && at.body.equals(body), `body ${index} of lane ${lane}`);
        }
        connection.destroy();
      }),
    );
  });

  it('is no part of what comes behind it: that is answered after it, as the bad request that it is', async () => {
    const body = randomBytes(2 * MiB);
    const connection = await open();
    connection.write(Buffer.concat([toBytes('kept', body), Buffer.from('\0nonsense\r\n\r\n')]));
    assert.equal((await connection.read())?.status, 200);
    assert.equal((await connection.read())?.status, 400);
    await connection.closed();
    assert.ok(provider.requests[0]?.body.equals(body));
  });

  it('never reaches it whole when one byte is another, wherever it is', async () => {
    for (const place of [0, 70_000, MiB, 2 * MiB - 1]) {
      const body = randomBytes(2 * MiB);
      const sent = Buffer.from(body);
      sent[place] = (sent[place] as number) ^ 1;
      const connection = await open();
      await writeInPieces(connection, toBytes('changed', body, sent));
      const answer = await connection.read();
      assert.deepEqual([answer?.status, answer?.code], [400, 'XAmzContentSHA256Mismatch']);
      connection.destroy();
      await until(() => provider.requests.length > 0);
      assert.ok(provider.requests.every(({ isComplete }) => !isComplete));
      provider.requests.length = 0;
    }
  });

  it('never reaches it whole when its caller leaves before the end', async () => {
    const body = randomBytes(3 * MiB);
    const connection = await open();
    connection.write(toBytes('left', body).subarray(0, 2 * MiB));
    await turn();
    connection.end();
    const answer = await connection.read();
    assert.equal(answer === null || answer.status === 400, true, answer?.head);
    await until(() => provider.requests.length > 0);
    assert.equal(provider.requests[0]?.isComplete, false);
    connection.destroy();
  });

  it('is refused by a store that answers early, and the connection is of use or closed', async () => {
    const refusing = net.createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        const text = '<Error><Code>AccessDenied</Code><Message>no</Message></Error>';
        socket.write(
          `HTTP/1.1 403 Forbidden\r\nContent-Length: ${String(text.length)}\r\nConnection: close\r\n\r\n${text}`,
        );
      });
    });
    refusing.listen(0, '127.0.0.1');
    await once(refusing, 'listening');
    const { port } = refusing.address() as net.AddressInfo;
    const other = await startGateway({
      stores: [providerStore(`http://127.0.0.1:${String(port)}`)],
      keys: [{ name: 'worker' }],
    });
    try {
      const caller = other.caller('worker');
      const body = randomBytes(8 * MiB);
      const { target, headers } = sign(caller, { method: 'PUT', target: '/bucket/key', body });
      const lines = headers.map(([header, value]) => `${header}: ${value}\r\n`).join('');
      const connection = await RawConnection.open(caller.port);
      connection.write(`PUT ${target} HTTP/1.1\r\n${lines}\r\n`);
      await writeInPieces(connection, body);
      const answer = await connection.read();
      assert.deepEqual([answer?.status, answer?.code], [403, 'AccessDenied']);
      connection.destroy();
    } finally {
      await other.close();
      refusing.close();
    }
  });

  it('takes no new memory of its own, neither on its way to the store nor back', async (context) => {
    const body = randomBytes(MiB);
    provider.script = (request, response) => {
      if (request.method === 'GET') response.writeHead(200, { 'content-length': MiB }).end(body);
      else answerWell(request, response);
    };
    const caller = gateway.caller('worker');
    const connection = await open();
    const put = async (): Promise<void> => {
      connection.write(toBytes('key', body));
      assert.equal((await connection.read())?.status, 200);
    };
    const get = async (): Promise<void> => {
      const { target, headers } = sign(caller, { method: 'GET', target: '/bucket/key' });
      const lines = headers.map(([header, value]) => `${header}: ${value}\r\n`).join('');
      connection.write(`GET ${target} HTTP/1.1\r\n${lines}\r\n`);
      assert.equal((await connection.read())?.status, 200);
    };
    for (const [name, ask] of [
      ['PUT', put],
      ['GET', get],
    ] as const) {
      for (let count = 0; count < 5; count++) await ask();
      const made = context.mock.method(Buffer, 'allocUnsafeSlow');
      for (let count = 0; count < 30; count++) await ask();
      const slabs = made.mock.calls.filter(({ arguments: [bytes] }) => bytes === 256 * 1024).length;
      made.mock.restore();
      assert.ok(slabs <= 5, `${String(slabs)} slabs for 30 bodies of a ${name}`);
    }
    connection.destroy();
  });

  it('is read no faster than the store takes it', async () => {
    const stuck = net.createServer((socket) => {
      socket.on('error', () => undefined);
      socket.pause();
    });
    stuck.listen(0, '127.0.0.1');
    await once(stuck, 'listening');
    const { port } = stuck.address() as net.AddressInfo;
    const other = await startGateway({
      stores: [providerStore(`http://127.0.0.1:${String(port)}`)],
      keys: [{ name: 'worker' }],
    });
    try {
      const caller = other.caller('worker');
      const body = Buffer.alloc(64 * MiB, 'x');
      const { target, headers } = sign(caller, { method: 'PUT', target: '/bucket/key', body });
      const lines = headers.map(([header, value]) => `${header}: ${value}\r\n`).join('');
      const socket = net.connect(caller.port, '127.0.0.1');
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      socket.write(`PUT ${target} HTTP/1.1\r\n${lines}\r\n`);
      socket.write(body);
      // Until nothing moves any more: what is left is more than all buffers on the way hold.
      let before = -1;
      let looks = 0;
      await until(() => {
        const now = socket.bytesWritten - socket.writableLength;
        looks = now === before ? looks + 1 : 0;
        before = now;
        return looks === 10;
      });
      assert.ok(socket.writableLength > 0, 'the gateway has not taken all of it');
      socket.destroy();
    } finally {
      await other.close();
      stuck.close();
    }
  });
});
