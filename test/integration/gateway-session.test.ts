/** Short-lived credentials of a run: what they may do, and every way to get more out of them. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createSessionSealer } from '../../gateway/keys/session-token.ts';
import type { Credentials } from '../../sigv4/types.ts';
import { send, type Answer } from '../support/signed-request.ts';
import { PROVIDER_CREDENTIALS } from '../support/start-fake-provider.ts';
import { providerStore, startGateway, toCallerCredentials, type StartedGateway } from '../support/start-gateway.ts';
import { startStore, type StartedStore } from '../support/start-store.ts';

const SESSION_SECRET = 'a-session-secret-of-the-tests-own-0123456789';

interface Session {
  readonly access_key_id: string;
  readonly secret_access_key: string;
  readonly session_token: string;
  readonly expires: string;
}

const toCredentials = (session: Session): Credentials => ({
  accessKeyId: session.access_key_id,
  secretAccessKey: session.secret_access_key,
  sessionToken: session.session_token,
});

describe('a session', () => {
  let cloud: StartedStore;
  let gateway: StartedGateway;
  let clockMs = 0;
  const start = (sessionSecret = SESSION_SECRET, session = true): Promise<StartedGateway> =>
    startGateway({
      stores: [providerStore(cloud.endpoint)],
      keys: [
        {
          name: 'etl',
          session,
          upload: true,
          buckets: ['data'],
          prefixes: ['in/'],
          operations: ['read', 'write'],
        },
        { name: 'plain' },
        { name: 'here', session: true, sourceNetworks: ['192.0.2.0/24'] },
        { name: 'ending', session: true, expiresAt: new Date(Date.now() + 600_000) },
      ],
      gateway: { sessionSecret: 'env:SESSION', adminListen: { host: '127.0.0.1', port: 0 }, adminToken: 'env:ADMIN' },
      secrets: { SESSION: sessionSecret, ADMIN: 'an-admin-token-of-the-tests' },
      now: () => new Date(Date.now() + clockMs),
    });
  before(async () => {
    cloud = await startStore({ buckets: ['data', 'other'], keys: [PROVIDER_CREDENTIALS], region: 'eu-west-1' });
    gateway = await start();
    for (const key of ['in/a', 'in/sub/b', 'out/c']) {
      await send(gateway.caller('plain'), { method: 'PUT', target: `/data/${key}`, body: key });
    }
  });
  after(async () => {
    await gateway.close();
    await cloud.close();
  });

  const ask = (key: string, body: unknown, at = gateway): Promise<Answer> =>
    send(at.caller(key), { method: 'POST', target: '/session', body: JSON.stringify(body) });
  const open = async (body: unknown, key = 'etl'): Promise<Session> => {
    const answer = await ask(key, body);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.headers['cache-control'], 'no-store');
    return JSON.parse(answer.text) as Session;
  };
  const use = (session: Session, method: string, target: string, body?: string, at = gateway): Promise<Answer> =>
    send(at.caller('etl'), {
      method,
      target,
      credentials: toCredentials(session),
      ...(body !== undefined && { body }),
      ...(clockMs > 0 && { at: new Date(Date.now() + clockMs) }),
    });
  const status = async (answer: Promise<Answer>): Promise<readonly [number, string]> => {
    const { status: code, code: s3Code } = await answer;
    return [code, s3Code];
  };

  it('may do what it was narrowed to, and no more, with header and query', async () => {
    const session = await open({ run: 'r-1', operations: ['read'], prefixes: ['in/sub/'] });
    assert.equal((await use(session, 'GET', '/data/in/sub/b')).text, 'in/sub/b');
    const presigned = await send(gateway.caller('etl'), {
      method: 'GET',
      target: '/data/in/sub/b',
      credentials: toCredentials(session),
      presignSeconds: 60,
    });
    assert.equal(presigned.status, 200, presigned.text);
    for (const [method, target, body] of [
      ['GET', '/data/in/a'],
      ['GET', '/data/out/c'],
      ['GET', '/other/in/sub/b'],
      ['PUT', '/data/in/sub/b', 'x'],
      ['DELETE', '/data/in/sub/b'],
      ['GET', '/'],
    ] as const) {
      assert.deepEqual(await status(use(session, method, target, body)), [403, 'AccessDenied'], `${method} ${target}`);
    }
    const line = gateway.logged.find((one) => one.includes("run: 'r-1'") && one.includes("operation: 'GetObject'"));
    assert.match(line ?? '', /key: 'etl'/, 'the access log says for which run it was');
  });

  it('and what else is asked beside S3 has a name in the metrics, also where it is refused', async () => {
    assert.equal((await ask('plain', { run: 'r-1' })).status, 403);
    await open({ run: 'r-1' });
    await send(gateway.caller('plain'), { method: 'POST', target: '/upload', body: '{}' });
    await send(gateway.caller('plain'), { method: 'POST', target: '/kms/check', body: '{}' });
    // A path of the caller's own making is no label.
    await send(gateway.caller('plain'), { method: 'POST', target: '/sessions', body: '{}' });
    const text = await (
      await fetch(`${gateway.adminUrl}/metrics`, { headers: { authorization: 'Bearer an-admin-token-of-the-tests' } })
    ).text();
    const counted = [...text.matchAll(/waybill_s3_requests_total\{operation="(\w+)",status="(\d)/g)].map(
      ([, operation, status]) => `${operation} ${status}xx`,
    );
    for (const name of ['Session 2xx', 'Session 4xx', 'Upload 4xx', 'KmsCheck 4xx', 'Unknown 5xx']) {
      assert.ok(counted.includes(name), `${name}: ${counted.join(', ')}`);
    }
  });

  it('cannot be widened when it is asked for', async () => {
    for (const more of [
      { operations: ['delete'] },
      { operations: ['read', 'admin'] },
      { buckets: ['other'] },
      { buckets: ['data', 'other'] },
      { prefixes: ['out/'] },
      { prefixes: ['in'] },
      { prefixes: ['in/', ''] },
      { buckets: [] },
      { prefixes: [] },
      { operations: [] },
      { operations: 'read' },
      { duration_seconds: 43_201 },
      { duration_seconds: 0 },
      { duration_seconds: 1.5 },
      { run: 'no spaces' },
      { run: undefined },
      { session: true },
      { __proto__: null, upload: true },
    ]) {
      const answer = await ask('etl', { run: 'r', ...more });
      assert.ok(answer.status === 400 || answer.status === 403, `${JSON.stringify(more)} ${answer.text}`);
      assert.ok(!answer.text.includes('session_token'));
    }
    for (const body of ['', '[]', 'null', '"x"', '{"run":']) {
      const answer = await send(gateway.caller('etl'), { method: 'POST', target: '/session', body });
      assert.equal(answer.status, 400, answer.text);
    }
  });

  it('is given to nobody without the right to it, and for no other signature', async () => {
    assert.equal((await ask('plain', { run: 'r' })).status, 403);
    assert.equal((await ask('here', { run: 'r' })).status, 403, 'from a network that its key is not for');
    const body = JSON.stringify({ run: 'r' });
    const forged = await send(gateway.caller('etl'), {
      method: 'POST',
      target: '/session',
      body,
      sendBody: JSON.stringify({ run: 'q' }),
    });
    assert.equal(forged.status, 400, 'another body than was signed');
    const wrong = { ...toCallerCredentials('etl'), secretAccessKey: 'guess' };
    const guessed = await send(gateway.caller('etl'), { method: 'POST', target: '/session', body, credentials: wrong });
    assert.equal(guessed.status, 403);
    const session = await open({ run: 'r' });
    const again = await use(session, 'POST', '/session', body);
    assert.equal(again.status, 403, 'a session asks for no other');
    assert.equal((await use(session, 'POST', '/upload', '{}')).status, 403, 'nor does it upload');
  });

  it('holds only with its own token, signed, and unchanged', async () => {
    const session = await open({ run: 'r' });
    const token = session.session_token;
    const other = await open({ run: 'r' });
    // Known by now, and known to be another's.
    assert.equal((await use(other, 'GET', '/data/in/a')).status, 200);
    const mixed = { ...other, access_key_id: session.access_key_id };
    assert.deepEqual(await status(use(mixed, 'GET', '/data/in/a')), [403, 'InvalidAccessKeyId']);
    const flipped = token.slice(0, 40) + (token[40] === 'A' ? 'B' : 'A') + token.slice(41);
    for (const changed of [
      flipped,
      `${token}A`,
      token.slice(0, -1),
      `${token}=`,
      other.session_token,
      'x',
      'A'.repeat(5_000),
    ]) {
      const answer = await use({ ...session, session_token: changed }, 'GET', '/data/in/a');
      assert.deepEqual([answer.status, answer.code], [403, 'InvalidAccessKeyId'], changed.slice(0, 60));
    }
    // Without the token, or with one that was not signed.
    const { accessKeyId, secretAccessKey } = toCredentials(session);
    const bare = { method: 'GET', target: '/data/in/a', credentials: { accessKeyId, secretAccessKey } };
    assert.deepEqual(await status(send(gateway.caller('etl'), bare)), [403, 'InvalidAccessKeyId']);
    const unsigned = await send(gateway.caller('etl'), {
      ...bare,
      tamper: (headers) => [...headers, ['x-amz-security-token', token]],
    });
    assert.deepEqual([unsigned.status, unsigned.code], [403, 'AccessDenied']);
    // The token of a session says nothing for a workload key.
    const key = { ...toCallerCredentials('etl'), sessionToken: token };
    const borrowed = await send(gateway.caller('etl'), { method: 'GET', target: '/data/in/a', credentials: key });
    assert.deepEqual([borrowed.status, borrowed.code], [400, 'InvalidToken']);
    // The secret is not in the token.
    const guess = { accessKeyId, secretAccessKey: 'guess', sessionToken: token };
    const forged = await send(gateway.caller('etl'), { method: 'GET', target: '/data/in/a', credentials: guess });
    assert.deepEqual([forged.status, forged.code], [403, 'SignatureDoesNotMatch']);
  });

  it('is known to every gateway that shares the secret, and to no other', async () => {
    const session = await open({ run: 'r' });
    const twin = await start();
    const rotated = await start(`a-new-session-secret-of-at-least-32-letters\n${SESSION_SECRET}`);
    const stranger = await start('another-session-secret-of-32-characters-or-more');
    try {
      assert.equal((await use(session, 'GET', '/data/in/a', undefined, twin)).status, 200);
      assert.equal((await use(session, 'GET', '/data/in/a', undefined, rotated)).status, 200);
      assert.deepEqual(await status(use(session, 'GET', '/data/in/a', undefined, stranger)), [
        403,
        'InvalidAccessKeyId',
      ]);
    } finally {
      for (const one of [twin, rotated, stranger]) await one.close();
    }
  });

  it('ends with the right of its key to have any', async () => {
    const session = await open({ run: 'r', operations: ['read'] });
    assert.deepEqual(await status(use(session, 'GET', '/data/in/a')), [200, '']);
    const without = await start(SESSION_SECRET, false);
    try {
      const answer = use(session, 'GET', '/data/in/a', undefined, without);
      assert.deepEqual(await status(answer), [403, 'InvalidAccessKeyId']);
      const own = send(without.caller('etl'), { method: 'GET', target: '/data/in/a' });
      assert.deepEqual(await status(own), [200, ''], 'the key itself goes on');
    } finally {
      await without.close();
    }
  });

  it('ends with its time, and no later than its key', async () => {
    const short = await open({ run: 'r', duration_seconds: 60 });
    const bound = await open({ run: 'r', duration_seconds: 43_200 }, 'ending');
    assert.ok(Date.parse(bound.expires) <= Date.now() + 600_000);
    clockMs = 61_000;
    try {
      assert.deepEqual(await status(use(short, 'GET', '/data/in/a')), [400, 'ExpiredToken']);
      assert.equal((await use(bound, 'GET', '/data/in/a')).status, 200);
      clockMs = 601_000;
      assert.deepEqual(await status(use(bound, 'GET', '/data/in/a')), [403, 'InvalidAccessKeyId']);
    } finally {
      clockMs = 0;
    }
  });

  it('ends with the secret that asked for it and with the revocation of its key', async () => {
    const sealer = createSessionSealer(SESSION_SECRET);
    const claims = {
      key: 'etl',
      run: 'r',
      expiresAtMs: Date.now() + 60_000,
      operations: ['read' as const],
      buckets: ['data'],
      prefixes: ['in/'],
    };
    const secretMark = sealer.toSecretMark(toCallerCredentials('etl').secretAccessKey);
    const get = (credentials: Credentials): Promise<Answer> =>
      send(gateway.caller('etl'), { method: 'GET', target: '/data/in/a', credentials });
    assert.equal((await get(sealer.issue({ ...claims, secretMark }))).status, 200);
    const old = sealer.issue({ ...claims, secretMark: sealer.toSecretMark('the-secret-before') });
    assert.deepEqual(await status(get(old)), [403, 'InvalidAccessKeyId']);
    // What the key itself may not do, its session may not, whatever the token says.
    const wide = sealer.issue({ ...claims, secretMark, operations: ['read', 'delete'], prefixes: ['out/'] });
    const outside = { method: 'GET', target: '/data/out/c', credentials: wide };
    assert.deepEqual(await status(send(gateway.caller('etl'), outside)), [403, 'AccessDenied']);

    const session = await open({ run: 'r' });
    const revoked = await fetch(`${gateway.adminUrl}/keys/etl/revoke`, {
      method: 'POST',
      headers: { Authorization: 'Bearer an-admin-token-of-the-tests' },
    });
    assert.equal(revoked.status, 200);
    assert.deepEqual(await status(use(session, 'GET', '/data/in/a')), [403, 'InvalidAccessKeyId']);
    assert.equal((await ask('etl', { run: 'r' })).status, 403);
  });

  it('leaves no secret and no token in the log', () => {
    const log = gateway.logged.join('\n');
    assert.ok(log.includes('session given out'));
    assert.ok(!log.includes(SESSION_SECRET) && !log.includes('secret_access_key') && !log.includes('session_token'));
  });
});
