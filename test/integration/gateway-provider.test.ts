import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';
import net from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createProviderBackend } from '../../gateway/provider/provider-backend.ts';
import { createProviderConnection, PROVIDER_LIMITS } from '../../gateway/provider/provider-connection.ts';
import { createSigningKeyCache } from '../../sigv4/signing-key.ts';
import { serveBackend, toVerifiedRequest } from '../support/serve-backend.ts';
import { send, sign } from '../support/signed-request.ts';
import { answerWell, PROVIDER_CREDENTIALS, startFakeProvider } from '../support/start-fake-provider.ts';
import type { FakeProvider } from '../support/start-fake-provider.ts';
import { providerStore, startGateway } from '../support/start-gateway.ts';
import type { StartedGateway } from '../support/start-gateway.ts';

describe('the gateway before a provider', () => {
  let provider: FakeProvider;
  let gateway: StartedGateway;
  before(async () => {
    provider = await startFakeProvider();
    gateway = await startGateway({ stores: [providerStore(provider.endpoint)], keys: [{ name: 'etl' }] });
  });
  beforeEach(() => {
    provider.requests.length = 0;
    provider.script = answerWell;
  });
  after(async () => {
    await gateway.close();
    await provider.close();
  });

  it("signs a small PUT with the provider's credentials and the caller's verified hash", async () => {
    const body = Buffer.from('hello');
    const answer = await send(gateway.caller('etl'), {
      method: 'PUT',
      target: '/bucket/a%20b/%C3%A4%2B%20x?x-id=PutObject',
      body,
      headers: [['Content-Type', 'text/plain']],
    });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.headers.etag, '"d41d8cd98f00b204e9800998ecf8427e"');
    const [seen] = provider.requests;
    assert.equal(seen?.verdict.ok, true);
    assert.equal(seen?.url, '/bucket/a%20b/%C3%A4%2B%20x');
    assert.equal(seen?.header('host'), provider.host);
    assert.equal(seen?.header('x-amz-content-sha256'), createHash('sha256').update(body).digest('hex'));
    assert.deepEqual(seen?.body, body);
  });

  it('streams a large PUT whole and unchanged', async () => {
    const body = randomBytes(3 * 1024 * 1024 + 17);
    const answer = await send(gateway.caller('etl'), { method: 'PUT', target: '/bucket/large', body });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(provider.requests[0]?.verdict.ok, true);
    assert.equal(provider.requests[0]?.header('content-length'), String(body.byteLength));
    assert.ok(provider.requests[0]?.body.equals(body));
  });

  it('passes only the headers on the list, and metadata beyond ASCII byte for byte', async () => {
    const answer = await send(gateway.caller('etl'), {
      method: 'PUT',
      target: '/bucket/key',
      body: 'x',
      headers: [
        ['x-amz-meta-name', Buffer.from('grün').toString('latin1')],
        ['x-amz-tagging', 'a=b'],
        ['x-amz-acl', 'public-read'],
        ['x-forwarded-for', '10.0.0.1'],
        ['cookie', 'session=1'],
        ['x-internal-user', 'root'],
        ['If-None-Match', '*'],
      ],
    });
    assert.equal(answer.status, 200, answer.text);
    const [seen] = provider.requests;
    assert.deepEqual(seen?.headers.map(([name]) => name.toLowerCase()).sort(), [
      'authorization',
      'content-length',
      'host',
      'if-none-match',
      'x-amz-content-sha256',
      'x-amz-date',
      'x-amz-meta-name',
      'x-amz-tagging',
    ]);
    assert.equal(Buffer.from(seen?.header('x-amz-meta-name') ?? '', 'latin1').toString('utf8'), 'grün');
    assert.equal(seen?.verdict.ok, true);
  });

  it('refuses what can be neither passed on nor dropped', async () => {
    for (const header of [
      'x-amz-server-side-encryption-customer-key',
      'x-amz-object-lock-mode',
      'x-amz-rename-source',
    ]) {
      const answer = await send(gateway.caller('etl'), {
        method: 'PUT',
        target: '/bucket/key',
        body: 'x',
        headers: [[header, 'value']],
      });
      assert.deepEqual([answer.status, answer.code], [501, 'NotImplemented'], header);
    }
    assert.equal(provider.requests.length, 0);
  });

  it('never finishes a large body whose hash does not hold', async () => {
    const signed = randomBytes(2 * 1024 * 1024);
    const sent = Buffer.from(signed);
    sent[sent.length - 1] = (sent[sent.length - 1] ?? 0) ^ 1;
    const answer = await send(gateway.caller('etl'), {
      method: 'PUT',
      target: '/bucket/key',
      body: signed,
      sendBody: sent,
    });
    assert.deepEqual([answer.status, answer.code], [400, 'XAmzContentSHA256Mismatch'], answer.text);
    const seen = await provider.seen(0);
    assert.equal(seen.isComplete, false);
    assert.ok(seen.body.byteLength <= sent.byteLength - 64 * 1024, `${seen.body.byteLength} bytes went out`);
  });

  it('sends nothing of a small body whose hash does not hold', async () => {
    for (const [body, sendBody] of [
      ['good', 'evil'],
      ['good', ''],
      ['', 'evil'],
    ] as const) {
      const answer = await send(gateway.caller('etl'), { method: 'PUT', target: '/bucket/key', body, sendBody });
      assert.deepEqual([answer.status, answer.code], [400, 'XAmzContentSHA256Mismatch'], `${body} ${sendBody}`);
    }
    assert.equal(provider.requests.length, 0);
  });

  it('passes a download on with its headers, and none that are not on the list', async () => {
    const body = randomBytes(1024 * 1024);
    provider.script = (_request, response) => {
      response.writeHead(206, {
        'content-length': body.byteLength,
        'content-range': `bytes 0-${body.byteLength - 1}/${body.byteLength}`,
        'content-type': 'image/png',
        etag: '"e"',
        'last-modified': 'Wed, 01 Jan 2025 00:00:00 GMT',
        'x-amz-meta-a': 'b',
        'x-amz-version-id': 'v1',
        'set-cookie': 'a=b',
        'x-amz-id-2': 'inside',
        server: 'Provider/1.0',
      });
      response.end(body);
    };
    const answer = await send(gateway.caller('etl'), {
      method: 'GET',
      target: '/bucket/key?versionId=v1',
      headers: [['Range', 'bytes=0-']],
    });
    assert.equal(answer.status, 206);
    assert.ok(answer.bytes.equals(body));
    assert.equal(provider.requests[0]?.header('range'), 'bytes=0-');
    assert.equal(provider.requests[0]?.url, '/bucket/key?versionId=v1');
    assert.equal(answer.headers['x-amz-meta-a'], 'b');
    assert.equal(answer.headers['x-amz-version-id'], 'v1');
    assert.equal(answer.headers['set-cookie'], undefined);
    assert.equal(answer.headers['x-amz-id-2'], undefined);
    assert.equal(answer.headers['server'], 'waybill');
  });

  it('keeps the connection to the provider over HEAD, 304 and refusals', async () => {
    const sockets = new Set<unknown>();
    const statuses = [200, 304, 404, 200];
    provider.script = (_request, response) => {
      sockets.add(response.socket);
      const status = statuses[provider.requests.length - 1] ?? 500;
      response.writeHead(status, { etag: '"e"', ...(status === 200 && { 'content-length': 4096 }) }).end();
    };
    for (const expected of statuses) {
      const answer = await send(gateway.caller('etl'), { method: 'HEAD', target: '/bucket/key' });
      assert.equal(answer.status, expected);
      // It rests a moment, in case the provider sends a body behind it.
      await sleep(60);
    }
    assert.equal(sockets.size, 1);
  });

  it('passes on no length of a 204, which would have a caller wait for a body', async () => {
    provider.script = (_request, response) => {
      response.socket?.write('HTTP/1.1 204 No Content\r\nContent-Length: 7\r\nETag: "e"\r\n\r\n');
    };
    const answer = await send(gateway.caller('etl'), { method: 'GET', target: '/bucket/key' });
    assert.equal(answer.status, 204);
    assert.equal(answer.headers['content-length'], undefined);
  });

  it('cuts the answer where the provider cut it, and never ends it cleanly', async () => {
    provider.script = (_request, response) => {
      response.writeHead(200, { 'content-length': 100_000, etag: '"e"' });
      response.write(Buffer.alloc(70_000), () => response.destroy());
    };
    await assert.rejects(
      send(gateway.caller('etl'), { method: 'GET', target: '/bucket/key' }),
      /aborted|hang up|reset/,
    );
    provider.script = (_request, response) => {
      response.writeHead(200, { etag: '"e"', 'transfer-encoding': 'chunked' });
      response.write(Buffer.alloc(70_000), () => response.destroy());
    };
    await assert.rejects(
      send(gateway.caller('etl'), { method: 'GET', target: '/bucket/key' }),
      /aborted|hang up|reset/,
    );
  });

  it('does not pass on an answer whose end cannot be told', async () => {
    provider.script = (_request, response) => {
      response.socket?.end('HTTP/1.1 200 OK\r\nETag: "e"\r\nConnection: close\r\n\r\nhalf of it');
    };
    const answer = await send(gateway.caller('etl'), { method: 'GET', target: '/bucket/key' });
    assert.equal(answer.status, 500);
  });

  it('does not believe a success that came before the whole body', async () => {
    const signed = randomBytes(2 * 1024 * 1024);
    const sent = Buffer.concat([signed.subarray(0, -1), Buffer.from([(signed.at(-1) ?? 0) ^ 1])]);
    const early = await startEarlyProvider();
    const other = await startGateway({ stores: [providerStore(early.endpoint)], keys: [{ name: 'etl' }] });
    try {
      const plan = { method: 'PUT', target: '/bucket/key', body: signed, sendBody: sent };
      const answer = await send(other.caller('etl'), plan);
      assert.ok(answer.status >= 400, `${answer.status}`);
    } finally {
      await other.close();
      await early.close();
    }
  });

  it("passes on the provider's status, code and message, and nothing else of its document", async () => {
    const secretive =
      '<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message><HostId>inside</HostId></Error>';
    provider.script = (_request, response) => {
      response.writeHead(503, { 'content-type': 'application/xml', 'retry-after': '7' }).end(secretive);
    };
    const answer = await send(gateway.caller('etl'), { method: 'GET', target: '/bucket/key' });
    assert.deepEqual([answer.status, answer.code], [503, 'SlowDown']);
    assert.match(answer.text, /Please reduce your request rate\./);
    assert.doesNotMatch(answer.text, /inside/);
  });

  it('takes an error page that is no error document for a failure of the store', async () => {
    provider.script = (_request, response) => {
      response.writeHead(502, { 'content-type': 'text/html' }).end('<html>Bad Gateway');
    };
    const answer = await send(gateway.caller('etl'), { method: 'GET', target: '/bucket/key' });
    assert.deepEqual([answer.status, answer.code], [500, 'InternalError']);
  });

  it('does not follow a redirect, and names the region', async () => {
    provider.script = (_request, response) => {
      response.writeHead(301, { location: 'http://169.254.169.254/', 'x-amz-bucket-region': 'ap-south-1' }).end();
    };
    const answer = await send(gateway.caller('etl'), { method: 'GET', target: '/bucket/key' });
    assert.deepEqual([answer.status, answer.code], [502, 'PermanentRedirect']);
    assert.match(answer.text, /ap-south-1/);
    assert.equal(answer.headers.location, undefined);
    assert.equal(provider.requests.length, 1);
  });

  it('names the region that a redirect names in its document, for every kind of redirect and for HEAD', async () => {
    for (const [status, code] of [
      [301, 'PermanentRedirect'],
      [307, 'TemporaryRedirect'],
      [308, 'PermanentRedirect'],
    ] as const) {
      provider.script = (_request, response) => {
        const document = `<Error><Code>${code}</Code><Message>Elsewhere.</Message><Region>sa-east-1</Region></Error>`;
        response
          .writeHead(status, { location: 'http://169.254.169.254/', 'content-type': 'application/xml' })
          .end(document);
      };
      for (const [method, body] of [
        ['GET', undefined],
        ['PUT', 'x'],
      ] as const) {
        const answer = await send(gateway.caller('etl'), { method, target: '/bucket/key', ...(body && { body }) });
        assert.deepEqual([answer.status, answer.code], [502, code]);
        assert.match(answer.text, /in region sa-east-1, and store cloud is configured for eu-west-1/);
      }
      provider.script = (_request, response) => {
        response.writeHead(status, { location: '/', 'x-amz-bucket-region': 'sa-east-1' }).end();
      };
      const head = await send(gateway.caller('etl'), { method: 'HEAD', target: '/bucket/key' });
      assert.equal(head.status, 502);
    }
    assert.equal(provider.requests.length, 9, 'none was followed or repeated');
    assert.match(gateway.logged.join('\n'), /region: 'sa-east-1'/);
  });

  it('answers ServiceUnavailable with a hint to retry when the provider is gone', async () => {
    const gone = await startFakeProvider();
    await gone.close();
    const other = await startGateway({ stores: [providerStore(gone.endpoint)], keys: [{ name: 'etl' }] });
    try {
      const answer = await send(other.caller('etl'), { method: 'PUT', target: '/bucket/key', body: 'x' });
      assert.deepEqual([answer.status, answer.code], [503, 'ServiceUnavailable']);
      assert.equal(answer.headers['retry-after'], '1');
    } finally {
      await other.close();
    }
  });

  it('repeats a read once over a connection that had gone stale, and never a write', async () => {
    const answer = await send(gateway.caller('etl'), { method: 'GET', target: '/bucket/key' });
    assert.equal(answer.status, 200);
    let cuts = 1;
    provider.script = (request, response) => {
      if (cuts-- > 0) response.socket?.destroy();
      else answerWell(request, response);
    };
    const read = await send(gateway.caller('etl'), { method: 'GET', target: '/bucket/key' });
    assert.equal(read.status, 200);
    // So that the write meets a connection that has answered before.
    assert.equal((await send(gateway.caller('etl'), { method: 'GET', target: '/bucket/key' })).status, 200);
    cuts = 1;
    const write = await send(gateway.caller('etl'), { method: 'PUT', target: '/bucket/key', body: 'x' });
    assert.equal(write.status, 503);
    assert.deepEqual(
      provider.requests.map(({ method }) => method),
      ['GET', 'GET', 'GET', 'GET', 'PUT'],
    );
  });

  it('gives up on a provider that does not answer, and on one that stops in the middle', async () => {
    const limits = { ...PROVIDER_LIMITS, answerTimeoutMs: 300, idleTimeoutMs: 300 };
    const served = await serveBackend(
      createProviderBackend({
        store: providerStore(provider.endpoint),
        credentials: { current: () => PROVIDER_CREDENTIALS },
        connection: createProviderConnection('cloud', undefined, limits),
        keyCache: createSigningKeyCache(),
      }),
    );
    const read = { operation: 'GetObject', method: 'GET' } as const;
    try {
      provider.script = () => undefined;
      const answer = await served.ask(toVerifiedRequest(read));
      assert.equal(answer.failure?.type, 'store_timeout');
      assert.equal(provider.requests.length, 1, 'what took too long once is not asked for again');
      provider.script = (_request, response) => {
        response.writeHead(200, { 'content-length': 100 });
        response.write('half');
      };
      await assert.rejects(served.ask(toVerifiedRequest(read)), /aborted|reset|hang up/);
    } finally {
      await served.close();
    }
  });

  it('ends the request to the provider when the caller leaves', async () => {
    const closed = new Promise<void>((resolve) => {
      provider.script = (_request, response) => {
        response.on('close', resolve);
        response.writeHead(200, { 'content-length': 1_000_000, etag: '"e"' });
        response.write('x');
      };
    });
    const caller = gateway.caller('etl');
    const { headers } = sign(caller, { method: 'GET', target: '/bucket/key' });
    const request = http.get({ host: '127.0.0.1', port: caller.port, path: '/bucket/key', headers: headers.flat() });
    request.on('error', () => undefined);
    request.on('response', (response) => {
      response.on('error', () => undefined);
      response.once('data', () => request.destroy());
    });
    await closed;
  });
});

/** Answers 200 as soon as it has the head of a request. */
async function startEarlyProvider(): Promise<{ endpoint: string; close: () => Promise<void> }> {
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: 0\r\n\r\n'));
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return { endpoint: `http://127.0.0.1:${port}`, close: () => new Promise((resolve) => server.close(() => resolve())) };
}
