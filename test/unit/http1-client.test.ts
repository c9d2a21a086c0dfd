import assert from 'node:assert/strict';
import type net from 'node:net';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OutgoingRequest } from '../../http1/exchange.ts';
import { giveBack } from '../../http1/socket-reads.ts';
import { collectGarbage } from '../support/collect-garbage.ts';
import { answerOk, OK, startExchanges, type Answer } from '../support/exchange-ground.ts';
import { until } from '../support/until.ts';

async function* toStream(...pieces: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield await Promise.resolve(Buffer.from(piece));
}

describe('the HTTP/1.1 client', () => {
  it('keeps a connection for the next request', async () => {
    const { get, received } = await startExchanges(answerOk);
    for (let count = 0; count < 3; count++) assert.equal((await get().done).body.toString(), 'ok');
    assert.equal(received.length, 1);
    assert.equal(received[0], 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(3));
  });

  it('opens as many as it may, and the rest waits its turn', async () => {
    const { get, received } = await startExchanges((socket) => void setTimeout(() => socket.write(OK), 20), {
      connectionsMax: 3,
    });
    const results = await Promise.all(Array.from({ length: 20 }, () => get().done));
    assert.ok(results.every(({ error, body }) => error === null && body.toString() === 'ok'));
    assert.equal(received.length, 3);
  });

  it('sends no request behind another whose answer is still to come', async () => {
    let unanswered = 0;
    let worst = 0;
    const { get } = await startExchanges(
      (socket, request) => {
        unanswered += request.split('GET ').length - 1;
        worst = Math.max(worst, unanswered);
        setTimeout(() => {
          unanswered -= 1;
          socket.write(OK);
        }, 5);
      },
      { connectionsMax: 1 },
    );
    await Promise.all(Array.from({ length: 5 }, () => get().done));
    assert.equal(worst, 1);
  });

  it('hands on bytes that stay, though all sockets are read into one buffer', async () => {
    const { get } = await startExchanges((socket, request) => {
      const fill = /\/(.)/.exec(request)?.[1] ?? '';
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n${fill.repeat(300_000)}`);
    });
    const results = await Promise.all(['a', 'b', 'c', 'd'].map((fill) => get(`/${fill}`).done));
    assert.deepEqual(
      results.map(({ body }) => [body.length, new Set(body).size, body.subarray(0, 1).toString()]),
      ['a', 'b', 'c', 'd'].map((fill) => [300_000, 1, fill]),
    );
  });

  it('reads over no memory that was not given back', async () => {
    const BYTES = 3_000_000;
    const pattern = Buffer.alloc(BYTES, Buffer.from(Uint8Array.from({ length: 251 }, (_, index) => index)));
    const { get } = await startExchanges((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${String(BYTES)}\r\n\r\n`);
      socket.write(pattern);
    });
    const reads: Promise<boolean>[] = [];
    const readOne = async (): Promise<void> => {
      let at = 0;
      await get('/', {
        onData(chunk) {
          const expected = pattern.subarray(at, (at += chunk.byteLength));
          // Meanwhile others are read; what is given back at once may be read into at once.
          reads.push(
            sleep(Math.random() * 20).then(() => {
              const isWhole = expected.equals(chunk);
              giveBack(chunk);
              return isWhole;
            }),
          );
        },
      }).done;
      assert.equal(at, BYTES);
    };
    for (let round = 0; round < 3; round++) await Promise.all(Array.from({ length: 4 }, readOne));
    assert.ok((await Promise.all(reads)).every((isWhole) => isWhole));
    assert.ok(reads.length > 100);
  });

  it('does not use a connection again on which bytes came behind an answer', async () => {
    const { get, received } = await startExchanges(
      (socket) => void socket.write(`${OK}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison`),
    );
    assert.equal((await get().done).body.toString(), 'ok');
    assert.equal((await get().done).body.toString(), 'ok');
    assert.equal(received.length, 2);
  });

  it('drops a kept connection on which bytes come unasked', async () => {
    const { get, received, open } = await startExchanges(answerOk);
    await get().done;
    for (const socket of open) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison');
    await until(() => open.size === 0);
    assert.equal((await get().done).body.toString(), 'ok');
    assert.equal(received.length, 2);
  });

  describe('on a kept connection that the other side has closed', () => {
    /** The first request of each connection is answered, and the connection closed at the second. */
    const closing = (): Answer => {
      const counts = new Map<number, number>();
      return (socket, _request, number) => {
        counts.set(number, (counts.get(number) ?? 0) + 1);
        if (counts.get(number) === 1) socket.write(OK);
        else socket.destroy();
      };
    };

    it('sends what reads once more, over a new one', async () => {
      const { get, received } = await startExchanges(closing(), { connectionsMax: 1 });
      for (let count = 0; count < 4; count++) assert.equal((await get().done).error, null);
      assert.equal(received.length, 4);
    });

    it('sends no write again', async () => {
      const { send, get, received } = await startExchanges(closing());
      await get().done;
      const { error } = await send({ method: 'PUT', body: Buffer.from('a') }).done;
      assert.ok(error !== null);
      assert.equal(received.join('').split('PUT ').length - 1, 1);
    });

    it('sends nothing again once a byte of the answer came', async () => {
      let answered = 0;
      const { get, received } = await startExchanges((socket) => {
        if (answered++ === 0) socket.write(OK);
        else socket.end('HTTP/1.1 200');
      });
      await get().done;
      assert.equal((await get().done).error?.code, 'HTTP_CLOSED');
      assert.equal(received.length, 1);
    });

    it('sends nothing again where a new one is closed as well', async () => {
      let asked = 0;
      const { get, received } = await startExchanges(
        (socket) => void (asked++ === 0 ? socket.write(OK) : socket.destroy()),
      );
      await get().done;
      assert.ok((await get().done).error !== null);
      assert.equal(received.length, 2);
      assert.ok((await get().done).error !== null);
      assert.equal(received.length, 3);
    });
  });

  it('tells a body that was cut short', async () => {
    const { get } = await startExchanges(
      (socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel'),
    );
    const { error, status } = await get().done;
    assert.deepEqual([status, error?.code], [200, 'HTTP_TRUNCATED']);
  });

  it('does not keep what the other side closes, or says it will', async () => {
    for (const hint of ['Connection: close', 'Keep-Alive: timeout=1']) {
      const { get, received } = await startExchanges(
        (socket) => void socket.write(`HTTP/1.1 200 OK\r\n${hint}\r\nContent-Length: 0\r\n\r\n`),
      );
      await get().done;
      await get().done;
      assert.equal(received.length, 2, hint);
    }
  });

  it('closes what is not used', async () => {
    const { get, open } = await startExchanges(answerOk, { keepAliveMs: 60 });
    await get().done;
    assert.equal(open.size, 1);
    await until(() => open.size === 0);
  });

  describe('what it sends', () => {
    it('is head and body, their length said once', async () => {
      const { send, received } = await startExchanges(answerOk);
      await send({ method: 'PUT', body: Buffer.from('hello') }).done;
      await send({ method: 'PUT', headers: ['host', 'x', 'content-length', '5'], body: Buffer.from('hello') }).done;
      await send({ method: 'PUT', body: Buffer.alloc(100_000, 0x61) }).done;
      await send({ method: 'PUT' }).done;
      await send({ method: 'PUT', headers: ['host', 'x', 'content-length', '5'], body: toStream('he', '', 'llo') })
        .done;
      const small = 'PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello';
      const large = `PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n${'a'.repeat(100_000)}`;
      const none = 'PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n';
      assert.equal(received.join(''), small + small + large + none + small);
    });

    it('is never another request than was meant', async () => {
      const { send, get, received } = await startExchanges(answerOk);
      const wrong: readonly Partial<OutgoingRequest>[] = [
        { headers: ['host', 'x', 'a', '1\r\nb: 2'] },
        { headers: ['host', 'x', 'a', '1\nb: 2'] },
        { headers: ['host', 'x', 'a\r\nb', '1'] },
        { headers: ['host', 'x', 'a', '\u{1F600}'] },
        { headers: ['host', 'x', 'a', '\0'] },
        { headers: ['host', 'x', 'transfer-encoding', 'chunked'] },
        { headers: ['host', 'x', 'content-length', '1', 'content-length', '1'], body: Buffer.from('a') },
        { headers: ['host', 'x', 'content-length', '1e1'], body: Buffer.alloc(10) },
        { headers: ['a', '1'] },
        { target: '/a b' },
        { target: '/a\r\nx: y' },
        { target: '/é' },
        { method: 'GET /x HTTP/1.1\r\n' },
        { method: 'PUT', body: toStream('a') },
      ];
      for (const request of wrong) {
        const { error } = await send(request).done;
        assert.equal(error?.code, 'HTTP_UNSENDABLE', JSON.stringify(request));
      }
      const { error } = await send({ headers: ['host', 'x', 'content-length', '3'], body: Buffer.from('ab') }).done;
      assert.equal(error?.code, 'HTTP_BODY_LENGTH');
      assert.equal((await get().done).body.toString(), 'ok');
      // The connection was opened, and only the good request went over it.
      assert.deepEqual(received.join(''), 'GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    });

    it('is never longer than its head says, and a shorter body does not end', async () => {
      for (const pieces of [['hello', '!'], ['hell']]) {
        const { send, received } = await startExchanges(() => undefined);
        const headers = ['host', 'x', 'content-length', '5'];
        const { error } = await send({ method: 'PUT', headers, body: toStream(...pieces) }).done;
        assert.equal(error?.code, 'HTTP_BODY_LENGTH');
        await sleep(20);
        assert.ok(!received[0]?.endsWith('!'));
      }
    });

    it('stops when the answer comes first, and the connection with it', async () => {
      let left = false;
      const endless = async function* (): AsyncGenerator<Uint8Array> {
        try {
          for (;;) {
            yield Buffer.alloc(1000);
            await sleep(1);
          }
        } finally {
          left = true;
        }
      };
      const { send, get, received } = await startExchanges((socket, request) => {
        if (!request.startsWith('\0')) socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
      });
      const headers = ['host', 'x', 'content-length', '1000000000'];
      const { status, body, error } = await send({ method: 'PUT', headers, body: endless() }).done;
      assert.deepEqual([status, body.toString(), error], [403, 'no', null]);
      await until(() => left);
      await get().done;
      assert.equal(received.length, 2);
    });

    it('fails with what its body fails with', async () => {
      const failing = async function* (): AsyncGenerator<Uint8Array> {
        yield await Promise.resolve(Buffer.from('he'));
        throw new Error('the disk is gone');
      };
      const { send } = await startExchanges(() => undefined);
      const { error } = await send({ method: 'PUT', headers: ['host', 'x', 'content-length', '5'], body: failing() })
        .done;
      assert.equal(error?.message, 'the disk is gone');
    });
  });

  describe('a request that is given up', () => {
    it('while it waits is never sent', async () => {
      const { get, received } = await startExchanges((socket) => void setTimeout(() => socket.write(OK), 30), {
        connectionsMax: 1,
      });
      const first = get('/first');
      const second = get('/second');
      const third = get('/third');
      second.exchange.abort(new Error('no longer'));
      assert.equal((await second.done).error?.message, 'no longer');
      await Promise.all([first.done, third.done]);
      assert.ok(!received.join('').includes('/second'));
    });

    it('while it waits lets go of its body at once', async () => {
      const { send, client } = await startExchanges(() => undefined, { connectionsMax: 1 });
      const first = send({});
      // In a function of its own: a frame that runs on may hold what it no longer uses.
      const giveUp = async (): Promise<WeakRef<Buffer>> => {
        const body = Buffer.alloc(1_000_000);
        const call = send({ method: 'PUT', body });
        call.exchange.abort(new Error('no longer'));
        assert.equal((await call.done).error?.message, 'no longer');
        return new WeakRef(body);
      };
      const body = await giveUp();
      await until(() => {
        collectGarbage();
        return body.deref() === undefined;
      }, 30_000);
      client.close();
      await first.done;
    });

    it('at the last moment costs no connection', async () => {
      const { get, received } = await startExchanges(answerOk);
      await get('/first').done;
      const { error } = await get('/second', { onStart: (exchange) => exchange.abort(new Error('too late')) }).done;
      assert.equal(error?.message, 'too late');
      await get('/third').done;
      assert.deepEqual([received.length, received.join('').includes('/second')], [1, false]);
    });

    it('in flight ends its connection, and the next has another', async () => {
      let asked = 0;
      const { get, received } = await startExchanges((socket) => void (asked++ > 0 && socket.write(OK)));
      const first = get();
      await until(() => asked === 1);
      first.exchange.abort(new Error('enough'));
      assert.equal((await first.done).error?.message, 'enough');
      assert.equal((await get().done).body.toString(), 'ok');
      assert.equal(received.length, 2);
    });

    it('in flight is not sent again, whatever it is given up for', async () => {
      const { get, received } = await startExchanges(
        (socket, request) => void (request.includes('/first') && socket.write(OK)),
      );
      await get('/first').done;
      const second = get('/second');
      await until(() => received.join('').includes('/second'));
      second.exchange.abort(Object.assign(new Error('the caller is gone'), { code: 'ECONNRESET' }));
      const given = await Promise.race([second.done, sleep(120_000, null, { ref: false })]);
      assert.equal(given?.error?.message, 'the caller is gone');
      assert.equal(received.length, 1);
    });
  });

  describe('its limits', () => {
    it('end a request that is not answered', async () => {
      const { get } = await startExchanges(() => undefined, { answerMs: 60 });
      assert.equal((await get().done).error?.code, 'HTTP_IDLE');
    });

    it('end a request that no connection comes free for, and what holds the connection goes on', async () => {
      const sockets: net.Socket[] = [];
      const { get, received } = await startExchanges((socket) => void sockets.push(socket), {
        connectionsMax: 1,
        waitMs: 60,
      });
      const holder = get('/holds');
      const waiting = get('/waits');
      assert.equal((await waiting.done).error?.code, 'HTTP_QUEUE');
      sockets[0]?.write(OK);
      assert.equal((await holder.done).body.toString(), 'ok');
      const next = get('/next');
      while (sockets.length < 2) await sleep(5);
      sockets[1]?.write(OK);
      assert.equal((await next.done).body.toString(), 'ok');
      assert.equal(received.length, 1);
      assert.doesNotMatch(received.join(''), /waits/);
    });

    it('end an answer that stands still', async () => {
      const { get } = await startExchanges(
        (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel'),
        {
          idleMs: 60,
        },
      );
      const { error, status } = await get().done;
      assert.deepEqual([status, error?.code], [200, 'HTTP_IDLE']);
    });

    it('do not run while the reader is the slow side', async () => {
      const { get } = await startExchanges(
        (socket) => void socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n${'x'.repeat(200_000)}`),
        { idleMs: 60 },
      );
      let pauses = 0;
      const call = get('/', {
        onData: (_chunk, exchange) => {
          if (pauses++ > 0) return;
          exchange.pause();
          setTimeout(() => exchange.resume(), 300);
        },
      });
      const { error, body } = await call.done;
      assert.deepEqual([error, body.length], [null, 200_000]);
    });

    it('do not run while the body is the slow side', async () => {
      const slow = async function* (): AsyncGenerator<Uint8Array> {
        yield Buffer.from('he');
        await sleep(300);
        yield Buffer.from('llo');
      };
      const { send } = await startExchanges((socket, request) => void (request.endsWith('llo') && socket.write(OK)), {
        answerMs: 60,
      });
      const { error } = await send({ method: 'PUT', headers: ['host', 'x', 'content-length', '5'], body: slow() }).done;
      assert.equal(error, null);
    });

    it('hold for the next request though the body of the last one, sent whole and answered, has not ended yet', async () => {
      let end = (): void => undefined;
      const open = new Promise<void>((resolve) => (end = resolve));
      const lingering = async function* (): AsyncGenerator<Uint8Array> {
        yield Buffer.from('hello');
        await open;
      };
      const { send, get, received } = await startExchanges(
        (socket, request) => void (request.endsWith('hello') && socket.write(OK)),
        { answerMs: 60 },
      );
      const headers = ['host', 'x', 'content-length', '5'];
      assert.equal((await send({ method: 'PUT', headers, body: lingering() }).done).error, null);
      const hung = get().done;
      const first = await Promise.race([hung, sleep(120_000, null, { ref: false })]);
      end();
      assert.equal(first?.error?.code, 'HTTP_IDLE');
      assert.equal(received.length, 1);
    });
  });

  describe('an answer that has no body by rule', () => {
    const FORGED = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged';
    const bare = [
      ['to HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 46\r\n\r\n'],
      ['to HEAD, refused', 'HEAD', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 46\r\n\r\n'],
      ['to HEAD, of nothing', 'HEAD', 'HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n'],
      ['204', 'DELETE', 'HTTP/1.1 204 No Content\r\n\r\n'],
      ['204 that announces one', 'DELETE', 'HTTP/1.1 204 No Content\r\nContent-Length: 46\r\n\r\n'],
      ['304', 'GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 46\r\n\r\n'],
    ] as const;
    for (const [name, method, head] of bare) {
      it(`${name}: what a server sends behind it all the same is no answer to the next request`, async () => {
        const { send, get } = await startExchanges((socket, request) => {
          if (request.startsWith('GET /next')) return void setTimeout(() => socket.write(OK), 20);
          socket.write(head);
          setTimeout(() => socket.write(FORGED), 2);
        });
        const first = await send({ method, target: '/first' }).done;
        const next = await get('/next').done;
        assert.deepEqual([first.error, first.body.length], [null, 0]);
        assert.deepEqual([next.error, next.body.toString()], [null, 'ok']);
      });
    }

    it('keeps its connection for a later one', async () => {
      const { send, received } = await startExchanges((socket) => void socket.write('HTTP/1.1 204 No Content\r\n\r\n'));
      for (let count = 0; count < 3; count++) {
        assert.equal((await send({ method: 'DELETE' }).done).status, 204);
        await sleep(60);
      }
      assert.equal(received.length, 1);
    });

    it('does not keep others waiting for longer than that', async () => {
      const { send, received } = await startExchanges(
        (socket) => void socket.write('HTTP/1.1 204 No Content\r\n\r\n'),
        {
          connectionsMax: 1,
        },
      );
      const results = await Promise.all(Array.from({ length: 5 }, () => send({ method: 'DELETE' }).done));
      assert.ok(results.every(({ error }) => error === null));
      assert.equal(received.length, 1);
    });
  });

  it('hands many small chunks of one read on together', async () => {
    const body = Buffer.alloc(20_000, 'x');
    const chunks = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n' + '1\r\nx\r\n'.repeat(20_000) + '0\r\n\r\n';
    let pieces = 0;
    const { get } = await startExchanges((socket) => void socket.write(chunks));
    const result = await get('/', { onData: () => (pieces += 1) }).done;
    assert.ok(result.error === null && result.body.equals(body));
    // The server's 120,048 bytes come in a few reads of up to 64 KiB.
    assert.ok(pieces < 100, `${String(pieces)} pieces`);
  });

  it('a large body in one piece may take its time, as long as it moves', async () => {
    const body = Buffer.alloc(24 * 1024 * 1024, 7);
    let left = body.byteLength;
    const { send } = await startExchanges(
      (socket, request) => {
        const at = request.indexOf('\r\n\r\n');
        left -= at >= 0 && request.startsWith('PUT') ? request.length - at - 4 : request.length;
        if (left === 0) return void socket.write(OK);
        socket.pause();
        setTimeout(() => socket.resume(), 6);
      },
      { answerMs: 1000 },
    );
    const startedAt = performance.now();
    const headers = ['host', 'x', 'content-length', String(body.byteLength)];
    const { error, status } = await send({ method: 'PUT', headers, body }).done;
    assert.deepEqual([error, status, left], [null, 200, 0]);
    assert.ok(performance.now() - startedAt > 1500, `${String(performance.now() - startedAt)} ms is no test of it`);
  });

  it('fails each request that finds nobody listening', async () => {
    const { send } = await startExchanges(answerOk);
    const results = await Promise.all(Array.from({ length: 6 }, () => send({ origin: 'http://127.0.0.1:1' }).done));
    assert.deepEqual(new Set(results.map(({ error }) => error?.code)), new Set(['ECONNREFUSED']));
  });

  it('fails what is in flight and what waits when it is closed, and takes nothing more', async () => {
    const { client, get, received } = await startExchanges(() => undefined, { connectionsMax: 1 });
    const calls = [get(), get()];
    await until(() => received.join('') !== '');
    client.close();
    calls.push(get());
    const results = await Promise.all(calls.map(({ done }) => done));
    assert.deepEqual(new Set(results.map(({ error }) => error?.code)), new Set(['HTTP_CLIENT_CLOSED']));
  });
});
