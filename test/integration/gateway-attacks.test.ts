import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Answer, RequestPlan } from '../support/signed-request.ts';
import { send } from '../support/signed-request.ts';
import { answerWell, startFakeProvider } from '../support/start-fake-provider.ts';
import type { FakeProvider } from '../support/start-fake-provider.ts';
import { providerStore, startGateway, toCallerCredentials } from '../support/start-gateway.ts';
import type { StartedGateway } from '../support/start-gateway.ts';

const put = (target: string): RequestPlan => ({ method: 'PUT', target, body: 'x' });

describe('what the gateway refuses', () => {
  let provider: FakeProvider;
  let gateway: StartedGateway;
  before(async () => {
    provider = await startFakeProvider();
    const other = { ...providerStore(provider.endpoint), name: 'other' };
    gateway = await startGateway({
      stores: [providerStore(provider.endpoint), other],
      keys: [
        { name: 'etl' },
        { name: 'bound', buckets: ['mine'], prefixes: ['in/'] },
        { name: 'reader', operations: ['list', 'read'] },
        { name: 'nothing', operations: [] },
        { name: 'loose', allowUnsignedPayload: true },
      ],
      secrets: { bound_SECRET: 'next-secret\nsecret-of-bound\n' },
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

  /** Refused, and the provider saw nothing of it. */
  async function refused(key: string, plan: RequestPlan, status: number, code: string): Promise<Answer> {
    const answer = await send(gateway.caller(key), plan);
    assert.deepEqual([answer.status, answer.code], [status, code], answer.text);
    assert.equal(provider.requests.length, 0, 'the provider must not see it');
    return answer;
  }

  it('a forged signature', async () => {
    const credentials = { ...toCallerCredentials('etl'), secretAccessKey: 'guessed' };
    await refused('etl', { ...put('/bucket/key'), credentials }, 403, 'SignatureDoesNotMatch');
  });

  it('an access key that nobody has', async () => {
    const credentials = { accessKeyId: 'AKIDNOBODY', secretAccessKey: 'guessed' };
    await refused('etl', { ...put('/bucket/key'), credentials }, 403, 'InvalidAccessKeyId');
  });

  it('a request without any signature', async () => {
    await refused('etl', { ...put('/bucket/key'), tamper: withoutAuthorization }, 403, 'AccessDenied');
  });

  it('a date outside the window, and a region that is not its own', async () => {
    const at = new Date(Date.now() - 16 * 60 * 1000);
    await refused('etl', { ...put('/bucket/key'), at }, 403, 'RequestTimeTooSkewed');
    await refused('etl', { ...put('/bucket/key'), region: 'eu-west-1' }, 400, 'AuthorizationHeaderMalformed');
  });

  it('another bucket and another prefix than the key is bound to', async () => {
    await refused('bound', put('/theirs/in/key'), 403, 'AccessDenied');
    await refused('bound', put('/mine/out/key'), 403, 'AccessDenied');
    await refused('bound', { method: 'GET', target: '/mine?list-type=2&prefix=out%2F' }, 403, 'AccessDenied');
    await refused('bound', { method: 'GET', target: '/mine?list-type=2' }, 403, 'AccessDenied');
    await refused('bound', { method: 'GET', target: '/' }, 403, 'AccessDenied');
    const answer = await send(gateway.caller('bound'), put('/mine/in/key'));
    assert.equal(answer.status, 200, answer.text);
  });

  it('paths with dots, however they are encoded', async () => {
    for (const path of [
      '/mine/in/../out/key',
      '/mine/in/%2e%2e/out/key',
      '/mine/in%2F..%2Fout/key',
      '/mine/in/a/../../out/key',
      '/mine/./in/key',
    ]) {
      await refused('bound', put(path), 403, 'AccessDenied');
    }
    for (const path of ['/bucket/../other/key', '/bucket/%2e%2e/other/key', '/bucket/a/..%2F../key']) {
      await refused('etl', put(path), 400, 'InvalidURI');
    }
    // A key is letters: dots that lead nowhere else, however a server folds them, are as good as any.
    const inside = await send(gateway.caller('bound'), put('/mine/in/a/../key'));
    assert.equal(inside.status, 200, inside.text);
    assert.equal(provider.requests[0]?.url, '/mine/in/a/../key');
  });

  it('operations that the key does not grant, all of them for a key that grants none', async () => {
    await refused('reader', put('/bucket/key'), 403, 'AccessDenied');
    await refused('reader', { method: 'DELETE', target: '/bucket/key' }, 403, 'AccessDenied');
    await refused('reader', { method: 'POST', target: '/bucket/key?uploads' }, 403, 'AccessDenied');
    await refused('reader', { method: 'PUT', target: '/bucket' }, 403, 'AccessDenied');
    for (const target of ['/', '/bucket', '/bucket/key', '/bucket?list-type=2', '/bucket/key?tagging']) {
      await refused('nothing', { method: 'GET', target }, 403, 'AccessDenied');
    }
  });

  it('subresources that would make it another operation', async () => {
    await refused('etl', put('/bucket/key?acl'), 501, 'NotImplemented');
    await refused('etl', put('/bucket?policy'), 501, 'NotImplemented');
  });

  it('an unsigned payload without the right to it; with it, the gateway vouches for what it received', async () => {
    const unsigned = { ...put('/bucket/key'), payloadHash: 'UNSIGNED-PAYLOAD' };
    await refused('etl', unsigned, 403, 'AccessDenied');
    const answer = await send(gateway.caller('loose'), unsigned);
    assert.equal(answer.status, 200, answer.text);
    assert.match(provider.requests[0]?.header('x-amz-content-sha256') ?? '', /^[0-9a-f]{64}$/);
  });

  it('neither of the two secrets of a key that rotates, and any third', async () => {
    for (const secretAccessKey of ['next-secret', 'secret-of-bound']) {
      const credentials = { ...toCallerCredentials('bound'), secretAccessKey };
      const answer = await send(gateway.caller('bound'), { ...put('/mine/in/key'), credentials });
      assert.equal(answer.status, 200, answer.text);
    }
    provider.requests.length = 0;
    const credentials = { ...toCallerCredentials('bound'), secretAccessKey: 'next-secret\nsecret-of-bound' };
    await refused('bound', { ...put('/mine/in/key'), credentials }, 403, 'SignatureDoesNotMatch');
  });
});

const withoutAuthorization = (headers: readonly (readonly [string, string])[]): (readonly [string, string])[] =>
  headers.filter(([name]) => name.toLowerCase() !== 'authorization');
