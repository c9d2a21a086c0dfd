import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { ProviderStore } from '../../config/config.ts';
import { WaybillError } from '../../core/failures.ts';
import type { BodyChecksum } from '../../gateway/backend.ts';
import { openStore } from '../../gateway/open-store.ts';
import { createSigningKeyCache } from '../../sigv4/signing-key.ts';
import { readSignedChunks } from '../support/read-signed-chunks.ts';
import { serveBackend, toVerifiedRequest } from '../support/serve-backend.ts';
import type { RequestFacts, ServedAnswer } from '../support/serve-backend.ts';
import { send } from '../support/signed-request.ts';
import { answerWell, PROVIDER_CREDENTIALS, startFakeProvider } from '../support/start-fake-provider.ts';
import type { FakeProvider } from '../support/start-fake-provider.ts';
import { providerStore, startGateway } from '../support/start-gateway.ts';

const LARGE = 1_000_003;
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Pieces of many sizes, as sockets give them. */
function split(bytes: Buffer, size: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.byteLength; at += size) pieces.push(bytes.subarray(at, at + size));
  return pieces;
}

describe('bodies of unknown hash before a provider', () => {
  let provider: FakeProvider;
  before(async () => {
    provider = await startFakeProvider();
  });
  beforeEach(() => {
    provider.requests.length = 0;
    provider.script = answerWell;
  });
  after(() => provider.close());

  async function ask(facts: RequestFacts, store: Partial<ProviderStore> = {}): Promise<ServedAnswer> {
    const opened = await openStore(providerStore(provider.endpoint, store), {
      resolveSecret: (ref) =>
        Promise.resolve(ref.endsWith('_ID') ? PROVIDER_CREDENTIALS.accessKeyId : PROVIDER_CREDENTIALS.secretAccessKey),
      keyCache: createSigningKeyCache(),
      region: 'us-east-1',
      now: () => new Date(),
    });
    const served = await serveBackend(opened.backend);
    try {
      return await served.ask(toVerifiedRequest(facts));
    } finally {
      await served.close();
    }
  }
  const read = () => {
    const [seen] = provider.requests;
    assert.ok(seen?.verdict.ok, 'the head is signed');
    return { seen, ...readSignedChunks(seen, PROVIDER_CREDENTIALS.secretAccessKey) };
  };

  it('are signed again chunk by chunk when they are large, for any pieces in which they come', async () => {
    for (const [length, piece] of [
      [LARGE, 65_536],
      [LARGE, 1_000],
      [LARGE, LARGE],
      [262_145, 7_777],
      [5 * 65_536, 65_536],
      [5 * 65_536, 100_000],
    ] as const) {
      provider.requests.length = 0;
      const bytes = randomBytes(length);
      const answer = await ask({ operation: 'PutObject', payload: { kind: 'chunks' }, pieces: split(bytes, piece) });
      assert.equal(answer.status, 200, JSON.stringify(answer.failure));
      const got = read();
      assert.ok(got.bytes.equals(bytes), `${length} in pieces of ${piece}`);
      assert.equal(got.seen.header('x-amz-content-sha256'), 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD');
      assert.equal(got.seen.header('content-encoding'), 'aws-chunked');
      assert.equal(got.seen.header('content-length'), String(got.seen.body.byteLength));
      assert.equal(got.seen.header('transfer-encoding'), undefined);
      assert.ok(got.chunkBytes.slice(0, -1).every((size) => size === 65_536));
    }
  });

  it('keep the encoding of the object behind that of the transport', async () => {
    const headers = {
      'content-encoding': 'aws-chunked,gzip',
      'x-amz-decoded-content-length': '7',
      'x-amz-trailer': 'x',
    };
    await ask({ operation: 'PutObject', payload: { kind: 'chunks' }, headers, pieces: [randomBytes(LARGE)] });
    const { seen } = read();
    assert.equal(seen.header('content-encoding'), 'aws-chunked, gzip');
    assert.equal(seen.header('x-amz-trailer'), undefined);
  });

  it('carry a checksum that came behind the body behind it again, signed, with the value that it has at the end', async () => {
    let isRead = false;
    const bytes = randomBytes(LARGE);
    const checksum: BodyChecksum = {
      algorithm: 'CRC64NVME',
      from: 'trailer',
      get value() {
        return isRead ? 'AAECAwQFBgc=' : '';
      },
    };
    const pieces = {
      *[Symbol.iterator](): Generator<Uint8Array> {
        yield* split(bytes, 50_000);
        isRead = true;
      },
    } as unknown as Uint8Array[];
    const answer = await ask({ operation: 'UploadPart', checksum, pieces, contentLength: LARGE });
    assert.equal(answer.status, 200, JSON.stringify(answer.failure));
    const got = read();
    assert.equal(got.seen.header('x-amz-content-sha256'), 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER');
    assert.equal(got.seen.header('content-length'), String(got.seen.body.byteLength));
    assert.deepEqual(got.trailers, { 'x-amz-checksum-crc64nvme': 'AAECAwQFBgc=' });
    assert.ok(got.bytes.equals(bytes));
  });

  it('are collected and sent under their hash when they are small, the checksum in a header', async () => {
    const bytes = randomBytes(200_000);
    const checksum: BodyChecksum = { algorithm: 'CRC32', from: 'trailer', value: 'AAECAw==' };
    for (const payload of [{ kind: 'chunks' }, { kind: 'unsigned' }] as const) {
      provider.requests.length = 0;
      const answer = await ask({ operation: 'PutObject', payload, checksum, pieces: split(bytes, 9_999) });
      assert.equal(answer.status, 200, JSON.stringify(answer.failure));
      const [seen] = provider.requests;
      assert.ok(seen?.verdict.ok);
      assert.equal(seen.header('x-amz-content-sha256'), sha256(bytes));
      assert.equal(seen.header('x-amz-checksum-crc32'), 'AAECAw==');
      assert.ok(seen.body.equals(bytes));
    }
  });

  it('go out as UNSIGNED-PAYLOAD only where the store opts in, and only when they came so', async () => {
    const pieces = [randomBytes(LARGE)];
    const optIn = { unsignedPayload: true };
    await ask({ operation: 'PutObject', payload: { kind: 'unsigned' }, pieces }, optIn);
    await ask({ operation: 'PutObject', payload: { kind: 'chunks' }, pieces }, optIn);
    await ask({ operation: 'PutObject', payload: { kind: 'unsigned' }, pieces });
    assert.deepEqual(
      provider.requests.map((request) => request.header('x-amz-content-sha256')),
      ['UNSIGNED-PAYLOAD', 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD', 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'],
    );
  });

  it('are never finished at the provider when they break off, however late', async () => {
    // A whole number of chunks: also the last full one is kept.
    const bytes = randomBytes(15 * 65_536);
    const fails = new WaybillError('body_corrupt', 'a chunk was tampered with');
    const answer = await ask({
      operation: 'PutObject',
      payload: { kind: 'chunks' },
      pieces: split(bytes, 60_000),
      fails,
    });
    assert.equal(answer.failure?.type, 'body_corrupt');
    const seen = await provider.seen(0);
    assert.equal(seen.isComplete, false);
    // All bytes of the caller had come; the last chunk of them and the closing one stay here.
    assert.ok(seen.body.byteLength > 8 * 65_536 && seen.body.indexOf('\r\n0;chunk-signature') < 0);
    assert.ok(seen.body.byteLength < 15 * 65_536, `${seen.body.byteLength}`);
  });

  it('are refused when they are shorter or longer than was promised, at any size', async () => {
    for (const size of [10, LARGE]) {
      for (const contentLength of [size - 1, size + 1]) {
        const facts = { operation: 'PutObject', payload: { kind: 'chunks' }, contentLength } as const;
        const answer = await ask({ ...facts, pieces: split(randomBytes(size), 10_000) });
        assert.equal(answer.failure?.type, 'body_corrupt', `${size} for ${contentLength}`);
      }
    }
    assert.ok(provider.requests.every(({ isComplete }) => !isComplete));
  });

  it('are spooled and sent under their hash where the store takes no signed chunks, and leave no file', async () => {
    const spools = async (): Promise<string[]> =>
      (await readdir(tmpdir())).filter((name) => name.startsWith('waybill-spool-'));
    const before = await spools();
    const bytes = randomBytes(3 * LARGE);
    const checksum: BodyChecksum = { algorithm: 'CRC32', from: 'trailer', value: 'AAECAw==' };
    const during: string[] = [];
    provider.script = (request, response) => {
      void spools().then((names) => {
        during.push(...names.filter((name) => !before.includes(name)));
        answerWell(request, response);
      });
    };
    const facts = { operation: 'PutObject', payload: { kind: 'chunks' }, checksum } as const;
    const answer = await ask({ ...facts, pieces: split(bytes, 65_536) }, { signedChunks: false });
    assert.equal(answer.status, 200, JSON.stringify(answer.failure));
    const [seen] = provider.requests.filter(({ isComplete }) => isComplete);
    assert.ok(seen?.verdict.ok);
    assert.equal(seen.header('x-amz-content-sha256'), sha256(bytes));
    assert.equal(seen.header('x-amz-checksum-crc32'), 'AAECAw==');
    assert.ok(seen.body.equals(bytes));
    assert.deepEqual(during, [], 'the file has no name while it is in use');

    const fails = new WaybillError('body_corrupt', 'a chunk was tampered with');
    const broken = await ask({ ...facts, pieces: split(bytes, 65_536), fails }, { signedChunks: false });
    assert.equal(broken.failure?.type, 'body_corrupt');
    const digested = provider.requests.filter((one) => one.header('x-amz-content-sha256')?.length === 64);
    assert.equal(digested.length, 1, 'nothing of it goes out');
    assert.deepEqual(await spools(), before);
  });

  it('pass from a caller to the provider at any size: no limit of 8 MiB', async () => {
    const gateway = await startGateway({
      stores: [providerStore(provider.endpoint)],
      keys: [{ name: 'etl', allowUnsignedPayload: true }],
    });
    try {
      const body = randomBytes(9 * 1024 * 1024 + 1);
      const plan = { method: 'PUT', target: '/bucket/key', body, payloadHash: 'UNSIGNED-PAYLOAD' };
      const answer = await send(gateway.caller('etl'), plan);
      assert.equal(answer.status, 200, answer.text);
      assert.ok(read().bytes.equals(body));
    } finally {
      await gateway.close();
    }
  });
});
