import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Answer, RequestPlan } from '../support/signed-request.ts';
import { send } from '../support/signed-request.ts';
import { answerWell, startFakeProvider } from '../support/start-fake-provider.ts';
import type { FakeProvider } from '../support/start-fake-provider.ts';
import { providerStore, startGateway, toCallerCredentials } from '../support/start-gateway.ts';
import type { StartedGateway } from '../support/start-gateway.ts';

interface Reply {
  readonly status: number;
  readonly type: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

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
      ],
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
      'connection',
      'content-length',
      'content-type',
      'host',
      'x-amz-content-sha256',
      'x-amz-date',
      'x-amz-meta-a',
    ]);
    assert.equal(seen?.header('host'), provider.host);
    assert.equal(seen?.header('content-type'), 'application/octet-stream');
    assert.equal(seen?.header('connection'), 'keep-alive');
    assert.equal(seen?.verdict.ok, true);
  });

  it('gives the same canonical request for the same envelope, 64 at once', async () => {
    await Promise.all(Array.from({ length: 64 }, () => upload(toEnvelope())));
    const canonical = provider.requests.map(({ verdict }) => {
      assert.ok(verdict.ok);
      return verdict.stages.canonicalRequest.replace(/x-amz-date:\w+/, 'x-amz-date:…');
    });
    assert.equal(canonical.length, 64);
    assert.equal(new Set(canonical).size, 1);
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
