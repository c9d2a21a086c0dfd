import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import { send } from '../support/signed-request.ts';
import { answerWell, startFakeProvider, type FakeProvider } from '../support/start-fake-provider.ts';
import { providerStore, startGateway, type StartedGateway } from '../support/start-gateway.ts';

const LARGE = randomBytes(300_000);
const SMALL = LARGE.subarray(0, 200_000);
const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('base64');

describe('Content-MD5 before a provider', () => {
  let provider: FakeProvider;
  let gateway: StartedGateway;
  before(async () => {
    provider = await startFakeProvider();
    const { endpoint } = provider;
    const stores = [
      providerStore(endpoint),
      providerStore(endpoint, { name: 'opaque', etags: 'opaque' }),
      providerStore(endpoint, { name: 'trusted', unsignedPayload: true }),
      providerStore(endpoint, { name: 'both', unsignedPayload: true, etags: 'opaque' }),
    ];
    const key = { allowUnsignedPayload: true };
    gateway = await startGateway({
      stores,
      keys: [
        { name: 'etl', ...key },
        { name: 'other', store: 'opaque', ...key },
        { name: 'trusting', store: 'trusted', ...key },
        { name: 'bold', store: 'both', ...key },
      ],
    });
  });
  beforeEach(() => {
    provider.requests.length = 0;
    // As S3 does.
    provider.script = (request, response) => {
      const isFramed = request.header('content-encoding') === 'aws-chunked';
      if (isFramed || request.header('content-md5') === md5(request.body)) return answerWell(request, response);
      const document = '<?xml version="1.0"?><Error><Code>BadDigest</Code><Message>no match</Message></Error>';
      response.writeHead(400, { 'content-type': 'application/xml' }).end(document);
    };
  });
  after(async () => {
    await gateway.close();
    await provider.close();
  });

  const put = (key: string, body: Buffer, told: string, payloadHash?: string) =>
    send(gateway.caller(key), {
      ...{ method: 'PUT', target: '/bucket/key', body, headers: [['Content-MD5', told]] },
      ...(payloadHash !== undefined && { payloadHash }),
    });

  it('goes along with a body whose SHA-256 is signed, and its refusal comes back', async () => {
    assert.equal((await put('etl', LARGE, md5(LARGE))).status, 200);
    const refused = await put('etl', LARGE, md5(SMALL));
    assert.deepEqual([refused.status, /<Code>(.*)<\/Code>/.exec(refused.text)?.[1]], [400, 'BadDigest']);
    const [, seen] = provider.requests;
    assert.ok(seen?.verdict.ok, 'signed, with the header');
    assert.equal(seen.header('content-md5'), md5(SMALL));
  });

  it('goes along with a body that nobody signed where the store is trusted with such, and its refusal comes back', async () => {
    assert.equal((await put('trusting', LARGE, md5(LARGE), 'UNSIGNED-PAYLOAD')).status, 200);
    const refused = await put('trusting', LARGE, md5(SMALL), 'UNSIGNED-PAYLOAD');
    assert.deepEqual([refused.status, /<Code>(.*)<\/Code>/.exec(refused.text)?.[1]], [400, 'BadDigest']);
    const [, seen] = provider.requests;
    assert.ok(seen?.verdict.ok && seen.isComplete, 'the provider was asked');
    assert.equal(seen.header('x-amz-content-sha256'), 'UNSIGNED-PAYLOAD');
    assert.equal(seen.header('content-md5'), md5(SMALL));
  });

  it('does not stand in for the SHA-256: other bytes are never had whole by the provider', async () => {
    const claimed = createHash('sha256').update(SMALL).digest('hex');
    const refused = await put('etl', LARGE, md5(LARGE), claimed);
    assert.match(refused.text, /<Code>XAmzContentSHA256Mismatch<\/Code>/);
    assert.equal((await provider.seen(0)).isComplete, false);
  });

  for (const [what, key, body, payloadHash] of [
    ['a body that nobody signed', 'etl', LARGE, 'UNSIGNED-PAYLOAD'],
    ['a provider whose ETags are no MD5s', 'other', LARGE, undefined],
    ['a small body', 'etl', SMALL, undefined],
    ['a small body that nobody signed', 'trusting', SMALL, 'UNSIGNED-PAYLOAD'],
    ['a body that nobody signed, before a provider whose ETags are no MD5s', 'bold', LARGE, 'UNSIGNED-PAYLOAD'],
  ] as const) {
    it(`is held here: ${what}`, async () => {
      assert.equal((await put(key, body, md5(body), payloadHash)).status, 200);
      provider.requests.length = 0;
      const refused = await put(key, body, md5(Buffer.from('other')), payloadHash);
      assert.deepEqual([refused.status, /<Code>(.*)<\/Code>/.exec(refused.text)?.[1]], [400, 'BadDigest']);
      assert.ok(
        provider.requests.every(({ isComplete }) => !isComplete),
        'the provider had all of it',
      );
    });
  }
});
