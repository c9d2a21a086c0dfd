/** Copies between two providers, bent: what was signed is what the policy saw and what is read, in either form; and no leave to read shows. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type http from 'node:http';
import { after, before, beforeEach, describe, it } from 'node:test';
import { encodeComponent, encodePath } from '../../sigv4/encode.ts';
import { RawConnection } from '../support/raw-connection.ts';
import { exchange, send, sign, type Answer, type RequestPlan } from '../support/signed-request.ts';
import { startFakeProvider, type FakeProvider } from '../support/start-fake-provider.ts';
import { providerStore, startGateway, type StartedGateway } from '../support/start-gateway.ts';
import { until } from '../support/until.ts';

const BYTES = Buffer.from('what is copied');
const ETAG = createHash('md5').update(BYTES).digest('hex');
const TOKEN = 'a-token-of-the-admin-listener';
const SESSION_SECRET = 'a-session-secret-of-the-tests-own-0123456789';

let source: FakeProvider;
let target: FakeProvider;
let gateway: StartedGateway;

before(async () => {
  [source, target] = await Promise.all([startFakeProvider(), startFakeProvider()]);
  gateway = await startGateway({
    stores: [providerStore(source.endpoint, { name: 'a' }), providerStore(target.endpoint, { name: 'b' })],
    keys: [
      { name: 'reader', store: 'a', operations: ['read'], prefixes: ['in/'], session: true },
      { name: 'writer', store: 'b', operations: ['read', 'write'], prefixes: ['out/'] },
    ],
    gateway: {
      ...{ explain: true, sessionSecret: 'env:SESSION', adminToken: 'env:ADMIN' },
      adminListen: { host: '127.0.0.1', port: 0 },
    },
    secrets: { SESSION: SESSION_SECRET, ADMIN: TOKEN },
  });
  const answer = (_: unknown, response: http.ServerResponse): void =>
    void response.writeHead(200, { etag: `"${ETAG}"`, 'content-length': BYTES.length }).end(BYTES);
  source.script = answer;
  target.script = (_, response) => void response.writeHead(200, { etag: `"${ETAG}"`, 'content-length': 0 }).end();
});
after(async () => {
  await gateway.close();
  await Promise.all([source.close(), target.close()]);
});
beforeEach(() => {
  source.requests.length = 0;
  target.requests.length = 0;
});

const toGrant = (path: string, plan: Partial<RequestPlan> = {}): string =>
  sign(gateway.caller('reader'), { method: 'GET', target: path, presignSeconds: 30, ...plan }).target;
const copyFrom = (grant: string, plan: Partial<RequestPlan> = {}): Promise<Answer> =>
  send(gateway.caller('writer'), {
    ...{ method: 'PUT', target: '/target/out/key' },
    headers: [['x-amz-copy-source', grant]],
    ...plan,
  });
const nothingMoved = (answer: Answer): void => {
  assert.ok(answer.status >= 400, answer.text);
  assert.deepEqual([source.requests, target.requests], [[], []], answer.text);
};

describe('the source of a copy between two providers', () => {
  for (const key of [
    ...[
      'in/a+b',
      'in/a b',
      'in/a%2Fb',
      'in/a%2Bb',
      'in//b',
      'in/./b',
      'in/b/../c',
      'in/é',
      'in/a\0b',
      'in/%',
      'in/a?b',
    ],
    ...[
      'in/a#b',
      'in/a\\b',
      'in/?X-Amz-Signature=0',
      'in/?versionId=1',
      'in/a&b=c',
      'in/ ',
      'in/a\r\nb: c',
      'in/\u{1f600}',
    ],
  ]) {
    it(`is the key that was signed: ${JSON.stringify(key)}`, async () => {
      const answer = await copyFrom(toGrant(`/source/${encodePath(key)}`));
      assert.equal(answer.status, 200, answer.text);
      assert.equal(source.requests[0]?.url, `/source/${encodePath(key)}`);
      assert.equal(source.requests[0]?.verdict.ok, true);
    });
  }

  for (const path of [
    ...['/source/in/../secret', '/source/in/%2e%2e/secret', '/source/in%2F..%2Fsecret', '/source/in/..%5Csecret'],
    ...[
      '/source//in/key',
      '/source/%2Fin/key',
      '/source/IN/key',
      '/source/in',
      '/source/in%00/key',
      '/source/./in/key',
    ],
    ...['//source/in/key', '/%73ource/../other/in/key', '/source/in/../../other/key', '/..%2Fother/in/key'],
  ]) {
    it(`is not outside the reader's prefix: ${path}`, async () => {
      nothingMoved(await copyFrom(toGrant(path)));
    });
  }

  for (const [what, bend] of [
    ['a second expiry', (grant: string) => `${grant}&X-Amz-Expires=3000`],
    ['a second signature', (grant: string) => `${grant}&X-Amz-Signature=00`],
    ['an encoded second expiry', (grant: string) => `${grant}&X-Amz-%45xpires=3000`],
    ['an expiry in small letters', (grant: string) => `${grant}&x-amz-expires=3000`],
    ['a token of its own', (grant: string) => `${grant}&X-Amz-Security-Token=a`],
    ['an own version', (grant: string) => `${grant}&versionId=1`],
    ['a version before the query', (grant: string) => grant.replace('?', '?versionId=1&')],
    ['a header that takes part', (grant: string) => `${grant}&x-amz-copy-source=%2Fsource%2Fin%2Fother`],
    ['a path that is doubled', (grant: string) => `/source${grant}`],
    ['a name of a host before it', (grant: string) => `http://127.0.0.1:1${grant}`],
    ['an encoded path', (grant: string) => encodeComponent(grant)],
    ['an encoded name', (grant: string) => grant.replace('X-Amz-Signature', 'X-Amz-%53ignature')],
    ['small letters', (grant: string) => grant.replace('X-Amz-Signature', 'x-amz-signature')],
    ['a blank', (grant: string) => grant.replace('/in/', '/in/ ')],
    ['a fragment', (grant: string) => `${grant}#`],
  ] as const) {
    it(`lets nothing begin with ${what}`, async () => {
      const answer = await copyFrom(bend(toGrant('/source/in/key')));
      // What is no leave to read is a place in the writer's own store, where he may read nothing of this.
      nothingMoved(answer);
    });
  }

  it('may be signed for in the query of the copy, once', async () => {
    const grant = toGrant('/source/in/a+b%2Bc');
    const at = `/target/out/key?x-amz-copy-source=${encodeComponent(grant)}`;
    const plan: RequestPlan = { method: 'PUT', target: at, presignSeconds: 30 };
    const answer = await send(gateway.caller('writer'), plan);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(source.requests[0]?.url, '/source/in/a%2Bb%2Bc');
    source.requests.length = target.requests.length = 0;

    const other = toGrant('/source/in/other');
    nothingMoved(await send(gateway.caller('writer'), { ...plan, headers: [['x-amz-copy-source', other]] }));
    const { target: signed, headers } = sign(gateway.caller('writer'), plan);
    for (const [name, value] of [
      ['x-amz-copy-source', other],
      ['x-amz-copy-source', grant],
    ] as const) {
      nothingMoved(await exchange(gateway.caller('writer'), 'PUT', signed, [...headers, [name, value]]));
    }
    nothingMoved(
      await exchange(gateway.caller('writer'), 'PUT', `${signed}&x-amz-copy-source=${encodeComponent(other)}`, headers),
    );
    // The query of the leave as a part of the copy's own.
    nothingMoved(
      await exchange(gateway.caller('writer'), 'PUT', `/target/out/key?x-amz-copy-source=${grant}`, headers),
    );
  });

  it('may not be added to a presigned PUT that has none', async () => {
    const plan: RequestPlan = { method: 'PUT', target: '/target/out/key', presignSeconds: 30 };
    const { target: signed, headers } = sign(gateway.caller('writer'), plan);
    const grant = toGrant('/source/in/key');
    nothingMoved(await exchange(gateway.caller('writer'), 'PUT', signed, [...headers, ['x-amz-copy-source', grant]]));
    nothingMoved(
      await exchange(gateway.caller('writer'), 'PUT', `${signed}&x-amz-copy-source=${encodeComponent(grant)}`, headers),
    );
  });

  it('is nothing for another method, a bucket, or a form', async () => {
    const grant = toGrant('/source/in/key');
    for (const [method, at] of [
      ['POST', '/target/out/key?uploads'],
      ['POST', '/target/out/key?uploadId=1'],
      ['PUT', '/target/out/key?tagging'],
      ['PUT', '/target'],
      ['DELETE', '/target/out/key'],
    ] as const) {
      nothingMoved(await copyFrom(grant, { method, target: at }));
    }
  });

  it('is read with the rights of a session, and no more', async () => {
    const body = JSON.stringify({ run: 'r-1', operations: ['read'], prefixes: ['in/sub/'] });
    const opened = await send(gateway.caller('reader'), { method: 'POST', target: '/session', body });
    const session = JSON.parse(opened.text) as Record<'access_key_id' | 'secret_access_key' | 'session_token', string>;
    const credentials = {
      accessKeyId: session.access_key_id,
      secretAccessKey: session.secret_access_key,
      sessionToken: session.session_token,
    };
    nothingMoved(await copyFrom(toGrant('/source/in/key', { credentials })));
    const grant = toGrant('/source/in/sub/key', { credentials });
    nothingMoved(await copyFrom(grant.replace(/X-Amz-Security-Token=[^&]*&?/, '')));
    nothingMoved(await copyFrom(grant.replace(/(X-Amz-Security-Token=.{40})./, '$1_')));
    const answer = await copyFrom(grant);
    assert.equal(answer.status, 200, answer.text);
    assert.ok(!gateway.logged.join('\n').includes(session.session_token));
  });

  it('shows nowhere, also where the signature of the copy is wrong and is explained', async () => {
    const grant = toGrant('/source/in/key');
    const signature = /X-Amz-Signature=([0-9a-f]{64})/.exec(grant)?.[1] ?? assert.fail(grant);
    const ways: Partial<RequestPlan>[] = [
      {
        tamper: (headers) => headers.map(([name, value]) => [name, name === 'x-amz-copy-source' ? `${value} ` : value]),
      },
      {
        tamper: (headers) =>
          headers.map(([name, value]) => [name, value.replace('X-Amz-Expires=30', 'X-Amz-Expires=31')]),
      },
      { credentials: { accessKeyId: 'AKIDWRITER', secretAccessKey: 'wrong' } },
      { tamper: (headers) => [...headers, ['x-amz-meta-a', 'b']] },
      { headers: [['x-amz-copy-source', `${grant}&x`]] },
    ];
    for (const way of ways) {
      const answer = await copyFrom(grant, way);
      if (answer.code !== 'SignatureDoesNotMatch') assert.ok(!answer.text.includes(signature), answer.text);
      await new Promise((resolve) => setTimeout(resolve, 1100));
    }
    const ask = async (path: string): Promise<string> =>
      (await fetch(`${gateway.adminUrl ?? ''}${path}`, { headers: { authorization: `Bearer ${TOKEN}` } })).text();
    await until(async () => /finding/.test(await ask('/refusals')));
    for (const text of [await ask('/refusals'), await ask('/metrics'), gateway.logged.join('\n')]) {
      assert.ok(!text.includes(signature));
    }
  });

  it('is read to its end by a configuration that no longer has its store', async () => {
    const provider = await startFakeProvider();
    const a = providerStore(provider.endpoint, { name: 'a' });
    const options = {
      stores: [a, providerStore(target.endpoint, { name: 'b' })],
      keys: [
        { name: 'reader', store: 'a' },
        { name: 'writer', store: 'b' },
      ],
    };
    const own = await startGateway(options);
    try {
      let go: () => void = () => undefined;
      provider.script = (_, response) => {
        response.writeHead(200, { etag: `"${ETAG}"`, 'content-length': BYTES.length });
        response.write(BYTES.subarray(0, 3));
        go = () => response.end(BYTES.subarray(3));
      };
      const grant = sign(own.caller('reader'), { method: 'GET', target: '/source/key', presignSeconds: 30 });
      const plan: RequestPlan = {
        ...{ method: 'PUT', target: '/target/key' },
        headers: [['x-amz-copy-source', grant.target]],
      };
      const copied = send(own.caller('writer'), plan);
      await provider.seen(0);
      await own.reload({ stores: [{ ...a, region: 'other' }, ...options.stores.slice(1)] });
      go();
      assert.equal((await copied).status, 200);
      assert.deepEqual(target.requests.at(-1)?.body, BYTES);
    } finally {
      await own.close();
      await provider.close();
    }
  });

  it('leaves a connection as it should be, however it is asked for', async () => {
    const plan: RequestPlan = {
      ...{ method: 'PUT', target: '/target/out/key' },
      headers: [['x-amz-copy-source', toGrant('/source/in/key')]],
    };
    const { headers } = sign(gateway.caller('writer'), plan);
    const text = (version: string, more = ''): string =>
      `PUT /target/out/key HTTP/${version}\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}${more}\r\n`;
    const connection = await RawConnection.open(gateway.caller('writer').port);
    for (const more of ['', 'Connection: keep-alive\r\n']) {
      connection.write(text('1.1', more));
      assert.equal((await connection.read())?.status, 200, more);
    }
    // A refusal of either side leaves it as well.
    const { script } = target;
    target.script = (_, response) => void response.writeHead(503).end();
    connection.write(text('1.1'));
    assert.equal((await connection.read())?.status, 503);
    target.script = script;
    connection.write(text('1.1'));
    connection.end();
    assert.equal((await connection.read())?.status, 200, 'who has closed his half is answered');
    assert.equal(connection.left, '');
    connection.destroy();
    for (const last of [text('1.0'), text('1.1', 'Expect: 100-continue\r\n')]) {
      const own = await RawConnection.open(gateway.caller('writer').port);
      own.write(last);
      assert.equal((await own.read())?.status, 200);
      own.destroy();
    }
  });
});
