import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import zlib from 'node:zlib';
import { send } from '../support/signed-request.ts';
import { answerWell, startFakeProvider, type FakeProvider } from '../support/start-fake-provider.ts';
import { providerStore, startGateway, type StartedGateway } from '../support/start-gateway.ts';

const LARGE = randomBytes(300_000);
const SMALL = LARGE.subarray(0, 200_000);
const crc32 = (bytes: Uint8Array): string => {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(zlib.crc32(bytes));
  return value.toString('base64');
};
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
        { name: 'strict', store: 'trusted' },
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

  /** What the bodies promised that the provider had whole; one that was given up by an earlier test may still break off meanwhile. */
  const arrived = (): (string | undefined)[] =>
    provider.requests.filter(({ isComplete }) => isComplete).map(({ header }) => header('content-md5'));
  const PART = '/bucket/key?partNumber=1&uploadId=u';
  it('is left to a store that is trusted with unsigned bodies of parts and of presigned requests too', async () => {
    const headers = [['Content-MD5', md5(SMALL)]] as const;
    for (const plan of [
      { target: PART, payloadHash: 'UNSIGNED-PAYLOAD' },
      { target: '/bucket/key', presignSeconds: 60 },
      { target: PART, presignSeconds: 60 },
    ]) {
      provider.requests.length = 0;
      const refused = await send(gateway.caller('trusting'), { method: 'PUT', body: LARGE, headers, ...plan });
      assert.deepEqual([refused.status, refused.code], [400, 'BadDigest']);
      assert.deepEqual(arrived(), [md5(SMALL)]);
    }
  });

  it('is held here of chunks that nobody signed, with the checksum behind them', async () => {
    const trailer = `x-amz-checksum-crc32:${crc32(LARGE)}`;
    const framed = Buffer.concat([
      Buffer.from(`${LARGE.length.toString(16)}\r\n`),
      LARGE,
      Buffer.from(`\r\n0\r\n${trailer}\r\n\r\n`),
    ]);
    for (const [told, code] of [
      [LARGE, ''],
      [SMALL, 'BadDigest'],
    ] as const) {
      provider.requests.length = 0;
      const answer = await send(gateway.caller('trusting'), {
        ...{ method: 'PUT', target: '/bucket/key', body: framed, payloadHash: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' },
        headers: [
          ['Content-MD5', md5(told)],
          ['Content-Encoding', 'aws-chunked'],
          ['x-amz-decoded-content-length', String(LARGE.length)],
          ['x-amz-trailer', 'x-amz-checksum-crc32'],
        ],
      });
      assert.equal(answer.code, code);
      assert.deepEqual(arrived(), told === LARGE ? [md5(LARGE)] : []);
    }
  });

  it('gives a key nothing that may send no unsigned bodies', async () => {
    for (const plan of [{ payloadHash: 'UNSIGNED-PAYLOAD' }, { presignSeconds: 60 }]) {
      const headers = [['Content-MD5', md5(LARGE)]] as const;
      const refused = await send(gateway.caller('strict'), {
        method: 'PUT',
        target: '/bucket/key',
        body: LARGE,
        headers,
        ...plan,
      });
      assert.equal(refused.code, 'AccessDenied');
    }
    assert.deepEqual(arrived(), []);
  });

  it('is never two', async () => {
    const twice = await send(gateway.caller('trusting'), {
      ...{ method: 'PUT', target: '/bucket/key', body: LARGE, payloadHash: 'UNSIGNED-PAYLOAD' },
      headers: [['Content-MD5', md5(LARGE)]],
      tamper: (headers) => [...headers, ['content-md5', md5(SMALL)]],
    });
    assert.deepEqual([twice.status, arrived()], [400, []]);
  });
});
