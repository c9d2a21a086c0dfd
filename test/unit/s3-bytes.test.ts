/** The bytes of an object between socket and memory, and what is said of them over the wire. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { MiB } from '../../core/limits.ts';
import { catchFailure } from '../support/catch-failure.ts';
import { createScriptedStore } from '../support/create-scripted-store.ts';
import { printAnswer } from '../support/start-scripted-server.ts';
import { buildBytes } from '../support/store-bytes.ts';

const OBJECT = { bucket: 'bucket', key: 'key' };
const NONE = { metadata: {} };
const BYTES = buildBytes(3 * MiB + 1234, 3);
const MD5 = createHash('md5').update(BYTES).digest('hex');
const MD5_BASE64 = Buffer.from(MD5, 'hex').toString('base64');
const printHead = (headers: Readonly<Record<string, string>>): string =>
  Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
const CRC = { algorithm: 'CRC32', value: 'AAAAAA==' } as const;

test('a body is read into the memory that is given for it, told piece by piece in order, and nothing beyond it is touched', async (context) => {
  // The bytes behind the first answer come with its last ones: they belong to nobody.
  const { store } = await createScriptedStore(context, (_, socket) => {
    socket.write(Buffer.concat([printAnswer(200, {}, BYTES), Buffer.alloc(50, 0x21)]));
  });
  for (let round = 0; round < 5; round++) {
    const around = Buffer.alloc(BYTES.length + 200_000, 0x7e);
    const memory = around.subarray(100_000, 100_000 + BYTES.length);
    const pieces: Buffer[] = [];
    let at = memory.byteOffset;
    const onBytes = (piece: Uint8Array): void => {
      assert.equal(piece.buffer, memory.buffer);
      assert.equal(piece.byteOffset, at, 'in order, without gaps');
      at += piece.byteLength;
      pieces.push(Buffer.from(piece));
    };
    const got = await store.get({ ...OBJECT, into: { memory, onBytes } });
    for await (const piece of got.body) assert.equal(piece, memory);
    assert.ok(memory.equals(BYTES));
    assert.ok(Buffer.concat(pieces).equals(BYTES));
    assert.ok(around.subarray(0, 100_000).every((byte) => byte === 0x7e));
    assert.ok(around.subarray(100_000 + BYTES.length).every((byte) => byte === 0x7e));
  }
});

test('a body that ends early fails, though its memory is half full, and a body of another length is not read into it', async (context) => {
  const { store } = await createScriptedStore(context, ({ target }, socket) => {
    if (target.endsWith('short')) {
      socket.end(printAnswer(200, { 'content-length': String(BYTES.length) }, BYTES.subarray(0, MiB)));
    } else socket.write(printAnswer(200, {}, BYTES));
  });
  const memory = Buffer.alloc(BYTES.length);
  await catchFailure('body_corrupt', store.get({ bucket: 'bucket', key: 'short', into: { memory } }));
  const small = Buffer.alloc(1000, 0x7e);
  const got = await store.get({ ...OBJECT, into: { memory: small } });
  let bytes = 0;
  for await (const piece of got.body) bytes += piece.byteLength;
  assert.equal(bytes, BYTES.length);
  assert.ok(small.every((byte) => byte === 0x7e));
});

test('what is promised of a body is told in signed headers, and its checksum comes back only if the answer has it', async (context) => {
  const heads: string[] = [];
  let checksum: Record<string, string> = { 'x-amz-checksum-crc32': CRC.value };
  const { store } = await createScriptedStore(context, ({ headers }, socket) => {
    heads.push(printHead(headers));
    socket.write(printAnswer(200, { etag: `"${MD5}"`, ...checksum }, Buffer.alloc(0)));
  });
  const body = { sizeBytes: BYTES.length, content: BYTES };
  const told = await store.put({ ...OBJECT, headers: NONE }, { ...body, promised: { md5: MD5, checksum: CRC } });
  assert.deepEqual(told.checksum, { ...CRC, type: 'FULL_OBJECT' });
  assert.ok(heads[0]?.includes(`content-md5: ${MD5_BASE64}\r\n`));
  assert.ok(heads[0]?.includes(`x-amz-checksum-crc32: ${CRC.value}\r\n`));
  assert.match(heads[0] ?? '', /SignedHeaders=[^,]*content-md5[^,]*x-amz-checksum-crc32/);
  assert.match(heads[0] ?? '', /x-amz-content-sha256: [0-9a-f]{64}\r\n/);

  checksum = {};
  const upload = { ...OBJECT, uploadId: 'id' };
  const part = await store.uploadPart(upload, 1, { ...body, isUnsigned: true, promised: { checksum: CRC } });
  assert.equal(part.checksum, undefined, 'what the answer does not say is not there');
  assert.match(heads[1] ?? '', /x-amz-content-sha256: UNSIGNED-PAYLOAD\r\n/);
  await store.uploadPart(upload, 1, body);
  assert.match(heads[2] ?? '', /x-amz-content-sha256: [0-9a-f]{64}\r\n/);
});

test('an object’s checksum is asked for by name, and one of its parts’ checksums is not taken for one of its bytes', async (context) => {
  const heads: string[] = [];
  let answer: Record<string, string> = { 'x-amz-checksum-crc32': CRC.value, 'x-amz-checksum-type': 'FULL_OBJECT' };
  const { store } = await createScriptedStore(context, ({ headers }, socket) => {
    heads.push(printHead(headers));
    socket.write(printAnswer(200, answer, Buffer.from('abc')));
  });
  const get = async (withChecksum: boolean) => (await store.get({ ...OBJECT, withChecksum })).info.checksum;
  assert.equal(await get(false), undefined);
  assert.ok(!heads[0]?.includes('x-amz-checksum-mode'));
  assert.deepEqual(await get(true), { ...CRC, type: 'FULL_OBJECT' });
  assert.ok(heads[1]?.includes('x-amz-checksum-mode: ENABLED\r\n'));
  for (const composite of [
    { 'x-amz-checksum-crc32': CRC.value, 'x-amz-checksum-type': 'COMPOSITE' },
    { 'x-amz-checksum-crc32': `${CRC.value}-3` },
  ]) {
    answer = composite;
    assert.equal((await get(true))?.type, 'COMPOSITE');
  }
});

test('a completion tells the checksum of the whole and of each part, and reads the store’s', async (context) => {
  const bodies: string[] = [];
  const heads: string[] = [];
  const { store } = await createScriptedStore(context, ({ headers, body }, socket) => {
    heads.push(printHead(headers));
    bodies.push(body.toString());
    const document = `<CompleteMultipartUploadResult><ETag>"x-1"</ETag><ChecksumCRC32>${CRC.value}</ChecksumCRC32><ChecksumType>FULL_OBJECT</ChecksumType></CompleteMultipartUploadResult>`;
    socket.write(printAnswer(200, { 'content-type': 'application/xml' }, Buffer.from(document)));
  });
  const parts = [{ partNumber: 1, etag: 'x', checksum: CRC }];
  const completed = await store.completeUpload({ ...OBJECT, uploadId: 'id', checksum: CRC }, parts);
  assert.deepEqual(completed.checksum, { ...CRC, type: 'FULL_OBJECT' });
  assert.ok(bodies[0]?.includes(`<ChecksumCRC32>${CRC.value}</ChecksumCRC32></Part>`));
  assert.ok(heads[0]?.includes('x-amz-checksum-type: FULL_OBJECT\r\n'));
});
