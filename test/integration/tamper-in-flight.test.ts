/**
 * A proxy that changes one byte of a request on its way, at every offset, in every payload mode: the request is refused, or what it
 * does is what the untampered one does. Never anything else: no other key, no other bytes, no other metadata, no second request. UNSIGNED-PAYLOAD without a signed checksum is left out: nothing covers its body, which
 * is why a key must be allowed to send it.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { computeChecksum } from '../../stores/rules/checksum-hash.ts';
import { SIGNED, SIGNED_TRAILER, UNSIGNED_TRAILER, signChunked } from '../support/chunked-body.ts';
import { sign } from '../support/signed-request.ts';
import { startStore, type StartedStore } from '../support/start-store.ts';
import { until } from '../support/until.ts';

const LIMIT_MS = 400;
let store: StartedStore;
before(async () => {
  store = await startStore({ buckets: ['bucket'], requestLimitMs: LIMIT_MS, allowUnsignedPayload: true });
});
after(() => store.close());

type Headers = readonly (readonly [string, string])[];
const BODY = Buffer.from('the payload');
const META: Headers = [
  ['Content-Type', 'text/plain'],
  ['x-amz-meta-owner', 'me'],
];

const print = (method: string, target: string, headers: Headers, body: Uint8Array): Buffer =>
  Buffer.concat([
    Buffer.from(`${method} ${target} HTTP/1.1\r\n${headers.map(([n, v]) => `${n}: ${v}\r\n`).join('')}\r\n`, 'latin1'),
    body,
  ]);

async function requests(): Promise<readonly (readonly [name: string, wire: Buffer])[]> {
  const crc32 = Buffer.from(await computeChecksum('CRC32', BODY)).toString('base64');
  const trailer = ['x-amz-checksum-crc32', crc32] as const;
  const agent: Headers = [['User-Agent', 'unsigned/1.0']];
  const whole = sign(store, { method: 'PUT', target: '/bucket/key', body: BODY, headers: META });
  const payloadHash = createHash('sha256').update(BODY).digest('hex');
  const put = { method: 'PUT', target: '/bucket/key', body: BODY };
  const presigned = sign(store, { ...put, headers: META, presignSeconds: 60, payloadHash });
  const checksum = [...META, trailer];
  const unsigned = sign(store, { ...put, headers: checksum, payloadHash: 'UNSIGNED-PAYLOAD' });
  const presignedUnsigned = sign(store, { ...put, headers: checksum, presignSeconds: 60 });
  const chunked = (mode: typeof SIGNED | typeof SIGNED_TRAILER | typeof UNSIGNED_TRAILER): Buffer => {
    const { headers, body } = signChunked(store, {
      mode,
      chunks: [BODY],
      headers: META,
      ...(mode !== SIGNED && { trailer }),
    });
    return print('PUT', '/bucket/key', [...headers, ...agent], body);
  };
  return [
    ['sha256', print('PUT', whole.target, [...whole.headers, ...agent], BODY)],
    ['presigned with a hash', print('PUT', presigned.target, [...presigned.headers, ...agent], BODY)],
    ['unsigned with a checksum', print('PUT', unsigned.target, [...unsigned.headers, ...agent], BODY)],
    [
      'presigned with a checksum',
      print('PUT', presignedUnsigned.target, [...presignedUnsigned.headers, ...agent], BODY),
    ],
    ['signed chunks', chunked(SIGNED)],
    ['signed chunks and trailer', chunked(SIGNED_TRAILER)],
    ['unsigned trailer', chunked(UNSIGNED_TRAILER)],
  ];
}

/** Sends the bytes and resolves with what came back until the first answer is whole, or the connection ends. */
function sendRaw(bytes: Buffer): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = net.connect(store.port, '127.0.0.1', () => socket.write(bytes));
    const finish = (): void => {
      socket.destroy();
      resolve(text);
    };
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      const head = text.indexOf('\r\n\r\n');
      const length = /content-length: (\d+)/i.exec(text)?.[1];
      if (head >= 0 && length !== undefined && text.length >= head + 4 + Number(length)) finish();
    });
    socket.on('close', finish);
    socket.on('error', finish);
  });
}

/** All that is visible of the store: keys, bytes, headers, uploads. */
async function describeStore(): Promise<string> {
  const { objects } = await store.store.list({ bucket: 'bucket' });
  const described = [];
  for (const { key } of objects) {
    const { info, body } = await store.store.get({ bucket: 'bucket', key });
    const hash = createHash('sha256');
    for await (const piece of body) hash.update(piece);
    const { contentType, contentEncoding, metadata, sizeBytes } = info;
    described.push({ key, sizeBytes, sha256: hash.digest('hex'), contentType, contentEncoding, metadata });
  }
  const uploads = await store.store.listUploads({ bucket: 'bucket', prefix: '' });
  const buckets = (await store.store.listBuckets()).map(({ name }) => name);
  return JSON.stringify({ described, uploads: uploads.length, buckets });
}

const clear = (): Promise<void> => store.store.delete({ bucket: 'bucket', key: 'key' });

test('one changed byte at every offset of a request in each mode', async (t) => {
  const empty = await describeStore();
  for (const [name, wire] of await requests()) {
    // Again where the machine stood still for as long as the short limit.
    await until(async () => (await sendRaw(wire)).startsWith('HTTP/1.1 200 '));
    const untampered = await describeStore();
    assert.notEqual(untampered, empty);
    await clear();
    let refused = 0;
    const harmless: string[] = [];
    for (let at = 0; at < wire.length; at++) {
      for (const mask of [0x01, 0x20]) {
        const changed = Buffer.from(wire);
        changed[at] = (changed[at] ?? 0) ^ mask;
        const answer = await sendRaw(changed);
        const now = await describeStore();
        const where = `${name}, byte ${String(at)} ^ ${String(mask)}, near ${JSON.stringify(changed.toString('latin1', Math.max(0, at - 20), at + 20))}`;
        assert.doesNotMatch(answer, /^HTTP\/1\.1 5(?!01)/, where);
        if (answer.startsWith('HTTP/1.1 2')) {
          // Another method may have asked for something harmless; nothing but the same object may have come of it.
          assert.ok(now === untampered || now === empty, `${where}: ${now}`);
          harmless.push(changed.toString('latin1', Math.max(0, at - 12), at + 3));
          await clear();
        } else {
          assert.equal(now, empty, where);
          refused += 1;
        }
      }
    }
    t.diagnostic(
      `${name}: ${String(wire.length)} bytes, ${String(refused)} refused, ${String(harmless.length)} without effect`,
    );
    assert.ok(refused > harmless.length);
  }
  assert.deepEqual(store.logged, []);
});
