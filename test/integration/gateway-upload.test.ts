import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Answer, RequestPlan } from '../support/signed-request.ts';
import { exchange, send } from '../support/signed-request.ts';
import { answerWell, startFakeProvider } from '../support/start-fake-provider.ts';
import type { FakeProvider } from '../support/start-fake-provider.ts';
import { providerStore, startGateway, toCallerCredentials } from '../support/start-gateway.ts';
import type { StartedGateway } from '../support/start-gateway.ts';

interface Reply {
  readonly status: number;
  readonly type: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

const TOKEN = 'a-token-of-forty-characters-or-thereabouts';
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('POST /upload', () => {
  let provider: FakeProvider;
  let gateway: StartedGateway;
  before(async () => {
    provider = await startFakeProvider();
    gateway = await startGateway({
      stores: [providerStore(provider.endpoint)],
      keys: [
        { name: 'etl', upload: true },
        { name: 'bound', upload: true, buckets: ['mine'], prefixes: ['in/'] },
        { name: 'plain' },
        { name: 'token', upload: true, bearerSha256: sha256(TOKEN), prefixes: ['in/'] },
        { name: 'gone', upload: true, bearerSha256: 'env:GONE', expiresAt: new Date(0) },
        { name: 'other', bearerSha256: sha256('of-a-key-that-may-not') },
      ],
      secrets: { GONE: sha256('expired') },
      gateway: { uploadBytesMax: 1024 * 1024 },
    });
  });
  beforeEach(() => {
    provider.requests.length = 0;
    provider.script = answerWell;
  });
  after(async () => {
    await gateway.close();
    await provider.close();
  });

  const toEnvelope = (more: object = {}): object => ({
    target_url: `${provider.endpoint}/bucket/a%20key`,
    method: 'PUT',
    headers: { 'Content-Type': 'text/plain' },
    payload_base64: Buffer.from('payload').toString('base64'),
    ...more,
  });
  async function upload(envelope: object | string, more: Partial<RequestPlan> = {}, key = 'etl'): Promise<Reply> {
    const body = typeof envelope === 'string' ? envelope : JSON.stringify(envelope);
    return toReply(await send(gateway.caller(key), { method: 'POST', target: '/upload', body, ...more }));
  }
  async function refused(envelope: object | string, status: number, code: string, key = 'etl'): Promise<void> {
    const reply = await upload(envelope, {}, key);
    assert.deepEqual([reply.status, reply.body['code']], [status, code], JSON.stringify(reply.body));
    assert.equal(reply.type, 'application/problem+json');
    assert.equal(provider.requests.length, 0, 'the provider must not see it');
  }

  it('signs the payload as the bytes that are sent and answers status and etag', async () => {
    const reply = await upload(toEnvelope());
    assert.equal(reply.status, 200);
    assert.deepEqual(reply.body, { status: 200, etag: '"d41d8cd98f00b204e9800998ecf8427e"' });
    const [seen] = provider.requests;
    assert.equal(seen?.verdict.ok, true);
    assert.equal(seen?.body.toString(), 'payload');
    assert.equal(seen?.url, '/bucket/a%20key');
  });

  it('sends a minimal header set: no other header of the caller passes, and Host is that of target_url', async () => {
    const headers = {
      HOST: 'evil.example',
      Authorization: 'AWS4-HMAC-SHA256 forged',
      'x-amz-date': '20200101T000000Z',
      'x-amz-security-token': 'forged',
      'X-Forwarded-For': '1.2.3.4',
      Connection: 'close',
      'x-amz-acl': 'public-read',
      'x-amz-meta-a': 'b',
    };
    const reply = await upload(toEnvelope({ headers }));
    assert.equal(reply.status, 200, JSON.stringify(reply.body));
    const [seen] = provider.requests;
    assert.deepEqual(seen?.headers.map(([name]) => name.toLowerCase()).sort(), [
      'authorization',
      'content-length',
      'content-type',
      'host',
      'x-amz-content-sha256',
      'x-amz-date',
      'x-amz-meta-a',
    ]);
    assert.equal(seen?.header('host'), provider.host);
    assert.equal(seen?.header('content-type'), 'application/octet-stream');
    assert.equal(seen?.verdict.ok, true);
  });

  it('gives the same canonical request and bytes for the same envelope, 64 at once among as many others', async () => {
    const payload_base64 = randomBytes(100_000).toString('base64');
    const headers = { 'Content-Type': 'text/plain', 'x-amz-meta-b': '2', 'X-Amz-Meta-A': '1', Expect: 'nothing' };
    const backwards = (from: object): object => Object.fromEntries(Object.entries(from).reverse());
    await Promise.all(
      Array.from({ length: 64 }, async (_, index) => {
        const same = toEnvelope({ payload_base64, headers: index % 2 === 0 ? headers : backwards(headers) });
        const other = toEnvelope({ headers: { 'x-amz-meta-n': String(index) } });
        // How an envelope is written is not what it says.
        const written = index % 3 === 0 ? JSON.stringify(same, null, index % 5) : JSON.stringify(backwards(same));
        for (const one of [upload(written), upload(other)]) assert.equal((await one).status, 200);
      }),
    );
    const canonical = provider.requests.map(({ verdict, body }) => {
      assert.ok(verdict.ok);
      return `${verdict.stages.canonicalRequest.replace(/x-amz-date:\w+/, 'x-amz-date:…')}\n${sha256(body.toString('latin1'))}`;
    });
    assert.equal(canonical.length, 128);
    assert.equal(new Set(canonical).size, 65);
    assert.equal(canonical.filter((one) => one.includes('x-amz-meta-a:1\nx-amz-meta-b:2\n')).length, 64);
  });

  it('sends a part by number and upload id', async () => {
    const target_url = `${provider.endpoint}/bucket/key?partNumber=3&uploadId=u%2Bid`;
    assert.equal((await upload(toEnvelope({ target_url }))).status, 200);
    assert.equal(provider.requests.pop()?.url, '/bucket/key?partNumber=3&uploadId=u%2Bid');
    await refused(toEnvelope({ target_url: `${provider.endpoint}/bucket/key?partNumber=3` }), 400, 'InvalidRequest');
  });

  it('refuses targets outside the store of the key', async () => {
    const { host, endpoint } = provider;
    const port = host.split(':')[1] ?? '';
    for (const target_url of [
      'http://169.254.169.254/latest/meta-data',
      'http://evil.example/bucket/key',
      `http://localhost:${port}/bucket/key`,
      `http://2130706433:${port}/bucket/key`,
      `http://127.0.0.1.:${port}/bucket/key`,
      `https://${host}/bucket/key`,
      'http://127.0.0.1:1/bucket/key',
      `http://bucket.${host}/key`,
    ]) {
      await refused(toEnvelope({ target_url }), 403, 'AccessDenied');
    }
    for (const target_url of [
      `http://user:password@${host}/bucket/key`,
      `http://evil.example\\@${host}/bucket/key`,
      `${endpoint}/bucket/key#fragment`,
      `file:///etc/passwd`,
      `//${host}/bucket/key`,
      `${endpoint}/bucket/key?X-Amz-Signature=abc`,
      `${endpoint}/bucket/key?X%2DAmz-Signature=abc`,
      `${endpoint}/bucket/key?a=b&%58-amz-security-token=abc`,
      `${endpoint}/bucket/key?x-amz%2Dmeta-a=b`,
      ` ${endpoint}/bucket/key`,
      `${endpoint}/bucket/key `,
      `${endpoint}/bucket/key\n`,
      `${endpoint}/bucket/\tkey`,
      `${endpoint}\u0000/bucket/key`,
      endpoint.replace('127', '\uff11\uff12\uff17') + '/bucket/key',
      endpoint.replace('127.0.0.1', '127。0。0。1') + '/bucket/key',
      `${endpoint}/bucket`,
      `${endpoint}/`,
      endpoint,
    ]) {
      await refused(toEnvelope({ target_url }), 400, 'InvalidRequest');
    }
    for (const path of ['/bucket/../other/key', '/bucket/%2e%2e/other/key', '/bucket/%zz', '/bucket/ü']) {
      await refused(toEnvelope({ target_url: endpoint + path }), 400, 'InvalidURI');
    }
  });

  it('passes the target through the policy of the key', async () => {
    await refused(toEnvelope(), 403, 'AccessDenied', 'bound');
    await refused(toEnvelope({ target_url: `${provider.endpoint}/mine/out` }), 403, 'AccessDenied', 'bound');
    await refused(toEnvelope({ target_url: `${provider.endpoint}/mine/in/../x` }), 403, 'AccessDenied', 'bound');
    await refused(toEnvelope(), 403, 'AccessDenied', 'plain');
    const target_url = `${provider.endpoint}/mine/in/key`;
    assert.equal((await upload(toEnvelope({ target_url }), {}, 'bound')).status, 200);
  });

  it('refuses envelopes that could be read two ways', async () => {
    await refused('{', 400, 'InvalidRequest');
    await refused('[]', 400, 'InvalidRequest');
    await refused(toEnvelope({ payload: 'x' }), 400, 'InvalidRequest');
    const { target_url } = toEnvelope() as { target_url: string };
    const rest = `"headers":{},"payload_base64":""`;
    for (const twice of [
      `{"target_url":"http://evil.example/b/k","target_url":"${target_url}","method":"PUT",${rest}}`,
      `{"target_url":"${target_url}","method":"GET","meth\\u006fd":"PUT",${rest}}`,
      `{"target_url":"${target_url}","method":"PUT","payload_base64":"eA==",${rest}}`,
      `{"target_url":"${target_url}","method":"PUT","payload_base64":"","headers":{"a":"\\\\","b":"\\"","a":"2"}}`,
    ]) {
      await refused(twice, 400, 'InvalidRequest');
      assert.match(String((await upload(twice)).body['message']), /twice/, twice);
    }
    await refused(`\ufeff${JSON.stringify(toEnvelope())}`, 400, 'InvalidRequest');
    const quoted = `{"target_url":"${target_url}","method":"PUT","payload_base64":"","headers":{"a":"\\\\","b":"\\"a\\":{"}}`;
    assert.equal((await upload(quoted)).status, 200);
    provider.requests.length = 0;
    await refused(toEnvelope({ headers: { a: '1', A: '2' } }), 400, 'InvalidRequest');
    await refused(toEnvelope({ headers: { 'x-amz-meta-a': 'b\r\nx: y' } }), 400, 'InvalidRequest');
    await refused(toEnvelope({ headers: { 'content-length': '9' } }), 400, 'InvalidRequest');
    for (const payload_base64 of ['a', 'YQ', 'YR==', 'Y Q=', 'YQ==YQ==', '_-8=', 7]) {
      await refused(toEnvelope({ payload_base64 }), 400, 'InvalidRequest');
    }
    for (const method of ['GET', 'HEAD', 'DELETE', 'POST', 'put', null]) {
      await refused(toEnvelope({ method }), 400, 'InvalidRequest');
    }
  });

  it('refuses a payload above the limit with 413, before and after decoding', async () => {
    const justAbove = Buffer.alloc(1024 * 1024 + 1).toString('base64');
    await refused(toEnvelope({ payload_base64: justAbove }), 413, 'EntityTooLarge');
    const farAbove = Buffer.alloc(3 * 1024 * 1024).toString('base64');
    await refused(toEnvelope({ payload_base64: farAbove }), 413, 'EntityTooLarge');
  });

  it('refuses callers without a signature that covers the envelope', async () => {
    const envelope = JSON.stringify(toEnvelope());
    const forged = { credentials: { ...toCallerCredentials('etl'), secretAccessKey: 'guessed' } };
    const unsigned = { payloadHash: 'UNSIGNED-PAYLOAD' };
    const tampered = { sendBody: envelope.replace('bucket', 'tekcub') };
    const stale = { at: new Date(Date.now() - 3_600_000) };
    for (const [more, status, code] of [
      [forged, 403, 'SignatureDoesNotMatch'],
      [unsigned, 400, 'InvalidRequest'],
      [tampered, 400, 'XAmzContentSHA256Mismatch'],
      [stale, 403, 'RequestTimeTooSkewed'],
    ] as const) {
      const reply = await upload(envelope, more);
      assert.deepEqual([reply.status, reply.body['code']], [status, code], JSON.stringify(reply.body));
    }
    assert.equal(provider.requests.length, 0);
  });

  it('takes a bearer token of a key, with the policy of that key, and beside no signature', async () => {
    const call = async (headers: readonly (readonly [string, string])[], more: object = {}): Promise<Reply> => {
      const body = JSON.stringify(toEnvelope({ target_url: `${provider.endpoint}/bucket/in/key`, ...more }));
      const common = [
        ['Host', 'gateway'],
        ['Content-Length', String(Buffer.byteLength(body))],
      ] as const;
      return toReply(await exchange(gateway.caller('token'), 'POST', '/upload', [...common, ...headers], body));
    };
    const bearer = (token: string) => [['Authorization', `Bearer ${token}`]] as const;
    const reply = await call(bearer(TOKEN));
    assert.equal(reply.status, 200, JSON.stringify(reply.body));
    assert.equal(provider.requests.pop()?.verdict.ok, true);
    for (const [headers, more, status] of [
      [bearer(TOKEN), { target_url: `${provider.endpoint}/bucket/out/key` }, 403],
      [bearer('of-a-key-that-may-not'), {}, 403],
      [bearer('unknown'), {}, 401],
      [bearer('expired'), {}, 401],
      [bearer(sha256(TOKEN)), {}, 401],
      [bearer(''), {}, 401],
      [[...bearer(TOKEN), ['x-amz-date', '20250101T000000Z']], {}, 401],
      [[...bearer(TOKEN), ...bearer(TOKEN)], {}, 400],
      [[], {}, 403],
    ] as const) {
      const refusal = await call(headers, more);
      assert.equal(refusal.status, status, JSON.stringify([headers, refusal.body]));
      assert.equal(refusal.type, 'application/problem+json');
    }
    assert.equal(provider.requests.length, 0);
    // S3 itself knows no tokens.
    const s3 = await exchange(gateway.caller('token'), 'GET', '/bucket/in/key', [
      ['Host', 'gateway'],
      ...bearer(TOKEN),
    ]);
    assert.ok(s3.status >= 400 && s3.status < 500, `${s3.status}`);
    assert.ok(!gateway.logged.join('\n').includes(TOKEN), 'the log holds no token');
  });

  it("passes on the provider's status, S3 code and message", async () => {
    provider.script = (_request, response) => {
      response.writeHead(412, { 'content-type': 'application/xml' });
      response.end('<Error><Code>PreconditionFailed</Code><Message>Not now.</Message></Error>');
    };
    const reply = await upload(toEnvelope({ headers: { 'If-None-Match': '*' } }));
    assert.equal(reply.type, 'application/problem+json');
    const { status, code, message } = reply.body;
    assert.deepEqual([reply.status, status, code, message], [412, 412, 'PreconditionFailed', 'Not now.']);
  });

  it('leaves a bucket of that name usable', async () => {
    const answer = await send(gateway.caller('etl'), { method: 'PUT', target: '/upload/key', body: 'x' });
    assert.equal(answer.status, 200);
    assert.equal(provider.requests[0]?.url, '/upload/key');
  });
});

function toReply(answer: Answer): Reply {
  const body = JSON.parse(answer.text) as Record<string, unknown>;
  return { status: answer.status, type: answer.headers['content-type'], body };
}
