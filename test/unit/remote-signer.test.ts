/** How a worker has requests signed: many by one question, each answered for itself, and never sent where its store is not. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import { WaybillError } from '../../core/failures.ts';
import type { HttpTransport } from '../../stores/s3/http-transport.ts';
import { S3Client } from '../../stores/s3/s3-client.ts';
import type { SignedCall } from '../../stores/s3/request-signer.ts';
import type { S3Call } from '../../stores/s3/s3-call.ts';
import { parseEndpoint } from '../../stores/s3/call-target.ts';
import type { RefusedAnswer, SignAnswers, SignedAnswer } from '../../worker/ask-signatures.ts';
import { createRemoteSigner } from '../../worker/remote-signer.ts';

type Answer = SignedAnswer | RefusedAnswer;
const VALID_MS = 300_000;

const get = (key: string, more: Partial<S3Call> = {}): S3Call => ({
  operation: 'GetObject',
  method: 'GET',
  bucket: 'data',
  key,
  ...more,
});

function createBench(addressing: 'path' | 'virtual' = 'path', validMs = VALID_MS) {
  const asked: (readonly string[])[] = [];
  const waiting: { resolve: (answers: SignAnswers) => void; reject: (error: Error) => void }[] = [];
  const signer = createRemoteSigner({
    store: 'cloud',
    endpoint: parseEndpoint('https://s3.example.com', addressing),
    ask: (requests) => {
      asked.push(requests);
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
  });
  const targets = (index: number): string[] =>
    (asked[index] ?? []).map((json) => (JSON.parse(json) as { target: string }).target);
  const sign = (target: string): SignedAnswer => ({
    url: `https://s3.example.com${target}`,
    headers: { host: 's3.example.com', authorization: target },
  });
  return {
    /** Of a request; a refusal is its result too, so that it may come before anybody looks. */
    request: (call: S3Call): Promise<SignedCall> => {
      const signed = Promise.resolve(signer.sign(call));
      signed.catch(() => undefined);
      return signed;
    },
    asked,
    targets,
    sign,
    answer: async (answers?: readonly Answer[], index = asked.length - waiting.length): Promise<void> => {
      const next = waiting.shift() ?? assert.fail('nothing was asked for');
      next.resolve({ validMs, answers: answers ?? targets(index).map(sign) });
      await turn();
    },
    fail: async (error: Error): Promise<void> => {
      (waiting.shift() ?? assert.fail('nothing was asked for')).reject(error);
      await turn();
    },
  };
}

test('what is asked for in one turn is one question, answered to each', async () => {
  const bench = createBench();
  const waiting = Promise.all(['a', 'b c', 'd'].map((key) => bench.request(get(key))));
  assert.equal(bench.asked.length, 0, 'the turn is not over');
  await turn();
  assert.deepEqual(bench.targets(0), ['/data/a', '/data/b%20c', '/data/d']);
  await bench.answer();
  const signed = await waiting;
  assert.deepEqual(
    signed.map(({ target }) => target),
    ['/data/a', '/data/b%20c', '/data/d'],
  );
  assert.deepEqual(signed[1]?.headers, ['host', 's3.example.com', 'authorization', '/data/b%20c']);
  assert.equal(bench.asked.length, 1);
});

test('while a question is under way the next gathers, and goes when it is answered', async () => {
  const bench = createBench();
  const first = bench.request(get('first'));
  await turn();
  const later = ['x', 'y', 'z'].map((key) => bench.request(get(key)));
  await turn();
  await turn();
  assert.equal(bench.asked.length, 1);
  await bench.answer();
  await first;
  await turn();
  assert.deepEqual(bench.targets(1), ['/data/x', '/data/y', '/data/z']);
  await bench.answer();
  await Promise.all(later);
  assert.equal(bench.asked.length, 2);
});

test('a full batch waits for no answer, and none has more than 64 requests or far more than a quarter of a MiB', async () => {
  const bench = createBench();
  const many = Array.from({ length: 150 }, (_, index) => bench.request(get(`k${String(index)}`)));
  for (let index = 0; index < 4; index++) await turn();
  assert.deepEqual(
    bench.asked.map((batch) => batch.length),
    [64, 64],
  );
  for (let index = 0; index < 3; index++) {
    await bench.answer();
    await turn();
  }
  assert.equal(new Set((await Promise.all(many)).map(({ target }) => target)).size, 150);

  const heavy = createBench();
  const headers = [['x-amz-meta-a', 'x'.repeat(100_000)]] as const;
  const large = Array.from({ length: 7 }, (_, index) => heavy.request(get(`l${String(index)}`, { headers })));
  for (let index = 0; index < 3; index++) {
    for (let turns = 0; turns < 4; turns++) await turn();
    await heavy.answer();
  }
  await Promise.all(large);
  assert.deepEqual(
    heavy.asked.map((batch) => batch.length),
    [3, 3, 1],
  );
});

test('a refusal is the failure that S3 would have answered with, and of its own request alone', async () => {
  const bench = createBench();
  const [good, bad] = [bench.request(get('good')), bench.request(get('bad'))];
  await turn();
  await bench.answer([bench.sign('/data/good'), { status: 403, code: 'AccessDenied', message: 'not yours' }]);
  assert.equal((await good).target, '/data/good');
  await assert.rejects(bad, { type: 'access_denied', message: /not yours.*s3Code=AccessDenied.*key=bad/ });
});

test('a question that fails fails all that waited for it, and none after it', async () => {
  const bench = createBench();
  const lost = [bench.request(get('a')), bench.request(get('b'))];
  await turn();
  const next = bench.request(get('c'));
  await bench.fail(new WaybillError('store_unreachable', 'the gateway is away'));
  for (const one of lost) await assert.rejects(one, { type: 'store_unreachable' });
  await turn();
  await bench.answer();
  assert.equal((await next).target, '/data/c');
});

test('an aborted request fails at once with its own reason', async () => {
  const bench = createBench();
  const controller = new AbortController();
  const waiting = bench.request(get('a', { signal: controller.signal }));
  await turn();
  controller.abort(new Error('given up'));
  await assert.rejects(waiting, /given up/);
});

test('a worker is sent nowhere but to the endpoint that it knows', async () => {
  for (const [addressing, url, isTaken] of [
    ['path', 'https://s3.example.com/data/a', true],
    ['path', 'https://data.s3.example.com/a', false],
    ['virtual', 'https://data.s3.example.com/a', true],
    ['virtual', 'https://s3.example.com/data/a', true],
    ['virtual', 'https://other.s3.example.com/a', false],
    ['path', 'http://s3.example.com/data/a', false],
    ['path', 'https://s3.example.com:444/data/a', false],
    ['path', 'https://s3.example.com@evil.example/data/a', false],
    ['path', 'https://s3.example.com.evil.example/data/a', false],
    ['path', 'https://169.254.169.254/latest', false],
    ['path', 'https://s3.example.com', false],
    ['path', 'nowhere', false],
  ] as const) {
    const bench = createBench(addressing);
    const waiting = bench.request(get('a'));
    await turn();
    await bench.answer([{ url, headers: { host: 'x' } }]);
    if (isTaken) assert.ok(url.startsWith((await waiting).origin));
    else await assert.rejects(waiting, { type: 'store_error', message: /another endpoint/ }, url);
  }
});

test('a body goes with its hash and length, and conditions and metadata as wire text', async () => {
  const bench = createBench();
  const content = new Uint8Array(3);
  const payloadHash = 'ab'.repeat(32);
  const headers = [
    ['if-none-match', '*'],
    ['x-amz-meta-a', 'Gr\u00c3\u00b6\u00c3\u009fe'],
  ] as const;
  const body = { payloadHash, sizeBytes: 3, content };
  void bench.request(get('a', { operation: 'PutObject', method: 'PUT', headers, body }));
  void bench.request({ operation: 'ListObjectsV2', method: 'GET', bucket: 'data', query: [['prefix', 'a/b c']] });
  await turn();
  assert.deepEqual(
    bench.asked[0]?.map((json) => JSON.parse(json) as unknown),
    [
      {
        method: 'PUT',
        target: '/data/a',
        headers: Object.fromEntries(headers),
        payload_sha256: payloadHash,
        content_length: 3,
      },
      { method: 'GET', target: '/data?prefix=a%2Fb%20c' },
    ],
  );
  await bench.answer();
});

/** A transport whose requests wait for a connection as long as the test says. */
function createSlowTransport(waitMs: readonly number[]): { transport: HttpTransport; sent: string[] } {
  const sent: string[] = [];
  let tries = 0;
  const transport: HttpTransport = {
    send({ target, headers }, options) {
      const beginsMs = performance.now() + (waitMs[tries++] ?? 0);
      if (beginsMs > (options.beginBeforeMs ?? Infinity)) {
        options.onLate?.();
        return Promise.reject(new WaybillError('store_timeout', 'too late'));
      }
      sent.push(`${target} ${headers.at(-1) ?? ''}`);
      return Promise.resolve({ status: 200, headers: {}, body: new Uint8Array(0), stream: null });
    },
    close: () => Promise.resolve(),
  };
  return { transport, sent };
}

test('a request that waited for a connection beyond its signature is signed again, and not without end', async () => {
  const send = async (waitMs: readonly number[]): Promise<{ sent: string[]; asked: number }> => {
    let asked = 0;
    const signer = createRemoteSigner({
      store: 'cloud',
      endpoint: parseEndpoint('https://s3.example.com', 'path'),
      ask: async (requests) => {
        asked += 1;
        const headers = { host: 'h', authorization: `signature ${String(asked)}` };
        return { validMs: 60_000, answers: requests.map(() => ({ url: 'https://s3.example.com/data/a', headers })) };
      },
    });
    const { transport, sent } = createSlowTransport(waitMs);
    const limits = { requestLimitMs: 30_000, idleLimitMs: 30_000, connectionsMax: 1 };
    const client = new S3Client({ name: 'cloud', signer, onTraffic: () => undefined, transport, ...limits });
    await client.send(get('a')).catch((error: unknown) => sent.push(String(error)));
    return { sent, asked };
  };
  // Of 60 s a quarter is kept for clocks and travel.
  assert.deepEqual(await send([44_000]), { sent: ['/data/a signature 1'], asked: 1 });
  assert.deepEqual(await send([46_000, 0]), { sent: ['/data/a signature 2'], asked: 2 });
  const hopeless = await send([46_000, 46_000, 46_000, 46_000]);
  assert.equal(hopeless.asked, 3);
  assert.match(hopeless.sent[0] ?? '', /store_timeout|too late/);
});

test('over real connections too: the one that comes free too late gets the second signature, and the first is never sent', async () => {
  const seen: (string | undefined)[] = [];
  let release = (): void => undefined;
  const server = http.createServer((request, response) => {
    seen.push(request.headers.authorization);
    const answer = (): void => void response.writeHead(204).end();
    if (seen.length === 1) release = answer;
    else answer();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  const host = origin.slice('http://'.length);
  let asked = 0;
  const signer = createRemoteSigner({
    store: 'cloud',
    endpoint: parseEndpoint(origin, 'path'),
    ask: async (requests) => {
      asked += 1;
      const headers = { host, authorization: `signature ${String(asked)}` };
      // The second question is that of the request which has to wait.
      const validMs = asked === 2 ? 40 : 60_000;
      return { validMs, answers: requests.map(() => ({ url: `${origin}/data/a`, headers })) };
    },
  });
  const limits = { requestLimitMs: 30_000, idleLimitMs: 30_000, connectionsMax: 1 };
  const client = new S3Client({ name: 'cloud', signer, onTraffic: () => undefined, ...limits });
  try {
    const call: S3Call = { operation: 'DeleteObject', method: 'DELETE', bucket: 'data', key: 'a' };
    const first = client.send(call);
    while (seen.length === 0) await turn();
    const second = client.send(call);
    while (asked < 2) await turn();
    const sinceMs = performance.now();
    while (performance.now() - sinceMs < 60) await turn();
    release();
    await Promise.all([first, second]);
    assert.deepEqual(seen, ['signature 1', 'signature 3']);
  } finally {
    await client.close();
    server.close();
  }
});
