/** POST /sign: who may ask, and how a batch of requests is read and answered. */
import assert from 'node:assert/strict';
import { after, beforeEach, describe, it } from 'node:test';
import { createSessionSealer } from '../../gateway/keys/session-token.ts';
import { ask, askFor, get, put, toOutcome, type Refusal, type Signed } from '../support/ask-signatures.ts';
import { ADMIN_TOKEN, SESSION_SECRET, startSignGround } from '../support/sign-ground.ts';
import { toCallerCredentials } from '../support/start-gateway.ts';

const MINUTE_MS = 60_000;

const ground = await startSignGround();
const { clocks, gateway, openSession, outcomes } = ground;
after(() => ground.close());
beforeEach(() => ground.reset());

describe('who may ask', () => {
  const body = { requests: [get('/data/in/a')] };
  const refused = async (answer: ReturnType<typeof ask>): Promise<[number, string]> => {
    const { status, text } = await answer;
    assert.ok(!/"url"|Signature=[0-9a-f]{64}/.test(text), text);
    return [status, (JSON.parse(text) as Refusal).code];
  };

  it('is a key with the right to it, and a session of one within what the session may', async () => {
    const session = await openSession({ operations: ['read'], prefixes: ['in/sub/'] });
    const wishes = [get('/data/in/sub/x'), get('/data/in/a'), put('/data/in/sub/x', 'x'), get('/other/in/sub/x')];
    assert.deepEqual(await outcomes('etl', wishes, session), [
      'signed',
      'AccessDenied',
      'AccessDenied',
      'AccessDenied',
    ]);
    const line = gateway.logged.filter((one) => one.startsWith('requests signed')).at(-1) ?? '';
    assert.match(line, /run: 'run-1'/);
    // Another run of a wider key has its own place, and neither may use the other's.
    const other = await openSession({ run: 'run-2', operations: ['read'], prefixes: ['out/'] }, 'wide');
    assert.deepEqual(await outcomes('wide', [get('/data/out/b'), get('/data/in/a')], other), [
      'signed',
      'AccessDenied',
    ]);
    // What the key itself may not do, its session may not, whatever its token says.
    const sealer = createSessionSealer(SESSION_SECRET);
    const forged = sealer.issue({
      key: 'etl',
      secretMark: sealer.toSecretMark(toCallerCredentials('etl').secretAccessKey),
      run: 'r',
      expiresAtMs: Date.now() + MINUTE_MS,
      operations: ['read', 'delete'],
      buckets: [],
      prefixes: [],
    });
    const beyond = [get('/data/out/b'), { method: 'DELETE', target: '/data/in/a' }];
    assert.deepEqual(await outcomes('etl', beyond, forged), ['AccessDenied', 'AccessDenied']);
  });

  it('is nobody else: without the right, from elsewhere, by a bearer token, unsigned, or with a signature that does not hold', async () => {
    assert.deepEqual(await refused(ask(gateway, 'plain', body)), [403, 'AccessDenied']);
    const session = await openSession({}, 'plain');
    assert.deepEqual(await refused(ask(gateway, 'plain', body, { credentials: session })), [403, 'AccessDenied']);
    assert.deepEqual(await refused(ask(gateway, 'elsewhere', body)), [403, 'AccessDenied']);
    const wrong = { ...toCallerCredentials('etl'), secretAccessKey: 'guess' };
    assert.deepEqual(await refused(ask(gateway, 'etl', body, { credentials: wrong })), [403, 'SignatureDoesNotMatch']);
    const replaced = JSON.stringify({ requests: [get('/data/in/b')] });
    assert.deepEqual(await refused(ask(gateway, 'etl', body, { sendBody: replaced })), [
      400,
      'XAmzContentSHA256Mismatch',
    ]);
    assert.deepEqual(await refused(ask(gateway, 'etl', body, { payloadHash: 'UNSIGNED-PAYLOAD' })), [
      400,
      'InvalidRequest',
    ]);
    assert.deepEqual(await refused(ask(gateway, 'etl', body, { at: new Date(Date.now() - 16 * MINUTE_MS) })), [
      403,
      'RequestTimeTooSkewed',
    ]);
    for (const headers of [{}, { authorization: 'Bearer a-bearer-token' }] as Record<string, string>[]) {
      const answer = await fetch(`${gateway.url}/sign`, { method: 'POST', body: JSON.stringify(body), headers });
      assert.ok(answer.status >= 400 && answer.status < 500, String(answer.status));
      assert.doesNotMatch(await answer.text(), /"url"/);
    }
    // A presigned POST is another path than /sign, and POST of a bucket is offered to nobody.
    const presigned = await ask(gateway, 'etl', body, { presignSeconds: 60 });
    assert.ok(presigned.status >= 400 && !presigned.text.includes('"url"'), presigned.text);
  });

  it('is no session whose time, token, key or secret is over', async () => {
    const session = await openSession({ duration_seconds: 60 });
    const other = await openSession({});
    assert.equal((await ask(gateway, 'etl', body, { credentials: session })).status, 200);
    const borrowed = { ...session, sessionToken: other.sessionToken ?? '' };
    assert.deepEqual(await refused(ask(gateway, 'etl', body, { credentials: borrowed })), [403, 'InvalidAccessKeyId']);
    const { accessKeyId, secretAccessKey } = session;
    const bare = { accessKeyId, secretAccessKey };
    assert.deepEqual(await refused(ask(gateway, 'etl', body, { credentials: bare })), [403, 'InvalidAccessKeyId']);
    clocks.gatewayMs = 61_000;
    assert.deepEqual(
      await refused(ask(gateway, 'etl', body, { credentials: session, at: new Date(Date.now() + clocks.gatewayMs) })),
      [400, 'ExpiredToken'],
    );
    clocks.gatewayMs = 0;

    const leaving = await openSession({}, 'leaving');
    assert.equal((await ask(gateway, 'leaving', body, { credentials: leaving })).status, 200);
    const revoked = await fetch(`${gateway.adminUrl}/keys/leaving/revoke`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${ADMIN_TOKEN}` },
    });
    assert.equal(revoked.status, 200);
    assert.deepEqual(await refused(ask(gateway, 'leaving', body, { credentials: leaving })), [
      403,
      'InvalidAccessKeyId',
    ]);
    assert.deepEqual(await refused(ask(gateway, 'leaving', body)), [403, 'InvalidAccessKeyId']);
  });
});

describe('a batch', () => {
  it('is read strictly: what two could read apart, or nobody asked for, refuses all of it', async () => {
    const good = '{"method":"GET","target":"/data/in/a"}';
    for (const text of [
      '',
      'null',
      '[]',
      '"x"',
      '{}',
      '{"requests":[]}',
      '{"requests":{}}',
      '{"requests":[null]}',
      '{"requests":[[]]}',
      `{"requests":[${good}],"more":1}`,
      `{"requests":[${good}],"requests":[${good}]}`,
      `{"requests":[${good}],"\\u0072equests":[${good}]}`,
      '{"requests":[{"method":"GET","target":"/data/in/a","target":"/data/out/b"}]}',
      '{"requests":[{"method":"GET","target":"/data/in/a","\\u0074arget":"/data/out/b"}]}',
      '{"requests":[{"method":"PUT","target":"/data/in/a","headers":{"if-match":"a","if-match":"b"}}]}',
      '{"requests":[{"method":"GET","target":"/data/in/a","store":"other"}]}',
      '{"requests":[{"method":"GET","target":"/data/in/a","__proto__":{}}]}',
      '{"requests":[{"method":"get","target":"/data/in/a"}]}',
      '{"requests":[{"method":"PATCH","target":"/data/in/a"}]}',
      '{"requests":[{"method":"GET"}]}',
      '{"requests":[{"method":"GET","target":["/data/in/a"]}]}',
      '{"requests":[{"method":"GET","target":"/data/in/a","headers":[]}]}',
      '{"requests":[{"method":"GET","target":"/data/in/a","headers":{"range":["bytes=0-1"]}}]}',
      '{"requests":[{"method":"GET","target":"/data/in/a","headers":null}]}',
      '{"requests":[{"method":"PUT","target":"/data/in/a","payload_sha256":1}]}',
      '{"requests":[{"method":"PUT","target":"/data/in/a","content_length":"1"}]}',
      '{"requests":[{"method":"PUT","target":"/data/in/a","content_length":-1}]}',
      '{"requests":[{"method":"PUT","target":"/data/in/a","content_length":1.5}]}',
      '{"requests":[{"method":"PUT","target":"/data/in/a","content_length":1e300}]}',
      `\ufeff{"requests":[${good}]}`,
      `{"requests":[${good}]} x`,
    ]) {
      const answer = await ask(gateway, 'wide', text);
      assert.equal(answer.status, 400, `${text}: ${answer.text}`);
      assert.equal((JSON.parse(answer.text) as Refusal).code, 'InvalidRequest', text);
    }
  });

  it('has at most so many requests and bytes, and no more is read', async () => {
    const many = Array.from({ length: 129 }, () => get('/data/in/a'));
    assert.equal((await ask(gateway, 'etl', { requests: many })).status, 413);
    assert.equal((await askFor(gateway, 'etl', many.slice(1))).answers.length, 128);
    const long = { requests: [{ ...get('/data/in/a'), headers: { 'x-amz-meta-a': 'x'.repeat(1024 * 1024) } }] };
    assert.equal((await ask(gateway, 'etl', long)).status, 413);
    const deep = `{"requests":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    assert.equal((await ask(gateway, 'etl', deep)).status, 400);
  });

  it('is answered in its order, each request for itself', async () => {
    const wishes = [get('/data/in/1'), get('/data/out/2'), get('/data/in/3'), get('/nowhere/in/4'), get('bad')];
    const { answers } = await askFor(gateway, 'etl', wishes);
    assert.deepEqual(answers.map(toOutcome), ['signed', 'AccessDenied', 'signed', 'AccessDenied', 'InvalidURI']);
    assert.match((answers[2] as Signed).url, /\/data\/in\/3$/);
    const { type, status, message } = answers[1] as Refusal;
    assert.deepEqual([type, status], ['access_denied', 403]);
    assert.match(message, /its own prefixes only/);
  });
});
