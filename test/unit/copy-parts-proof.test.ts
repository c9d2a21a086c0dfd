/** An object in parts: what proves the whole in each mode, that it outlives the worker, and that a changed bit is noticed on either hop. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { copyMultipart } from '../../activities/copy/copy-multipart.ts';
import { copyParts } from '../../activities/copy/copy-parts.ts';
import { openUpload } from '../../activities/copy/open-upload.ts';
import type { CopyAction } from '../../activities/plan/action.ts';
import { WaybillError } from '../../core/failures.ts';
import { MiB } from '../../core/limits.ts';
import type { ETag } from '../../core/ids.ts';
import type { Body, GetRequest, Store } from '../../stores/store.ts';
import { catchFailure } from '../support/catch-failure.ts';
import { createCopyGround, flipBit, type CopyGround } from '../support/copy-ground.ts';
import { buildBytes } from '../support/store-bytes.ts';

const PART = 8 * MiB;
const BYTES = buildBytes(3 * PART + 77, 2);
const PARTS = 4;
const MD5 = createHash('md5').update(BYTES).digest('hex');

const firstOf = (request: GetRequest): number =>
  request.range !== undefined && 'first' in request.range ? request.range.first : 0;

/** A part's first `count` reads have one bit changed. */
const corruptReads =
  (partNumber: number, count = Infinity) =>
  (store: Store): Partial<Store> => ({
    async get(request) {
      const got = await store.get(request);
      if (firstOf(request) !== (partNumber - 1) * PART || count-- <= 0) return got;
      async function* body() {
        for await (const piece of got.body) yield flipBit(piece);
      }
      return { ...got, body: body() };
    },
  });

/** What is sent of each part, and what the target makes of it. */
const watchParts =
  (sent: [number, Body][], change: (partNumber: number, body: Body) => Body = (_, body) => body) =>
  (store: Store): Partial<Store> => ({
    uploadPart(upload, partNumber, body) {
      sent.push([partNumber, body]);
      return store.uploadPart(upload, partNumber, change(partNumber, body));
    },
  });

const lookAtNothing = ({ sizeBytes, content }: Body): Body => ({ sizeBytes, content });
const numbersOf = (sent: readonly [number, Body][]): number[] => sent.map(([number]) => number).sort();

async function checkCopied(ground: CopyGround, action: CopyAction, checksum: RegExp): Promise<void> {
  const delivered = await copyMultipart(ground.begin(), action);
  assert.match(delivered.checksum, checksum);
  assert.ok((await ground.readTarget(action.key)).equals(BYTES));
}

async function checkNothingLeft(ground: CopyGround): Promise<void> {
  await catchFailure('no_such_key', ground.target.head({ bucket: 'target', key: 'key' }));
  assert.deepEqual(await ground.target.listUploads({ bucket: 'target', prefix: '' }), []);
}

test('by the running MD5: parts that come out of order are hashed in order', async () => {
  const late = (store: Store): Partial<Store> => ({
    async get(request) {
      if (firstOf(request) === 0) await sleep(60);
      return store.get(request);
    },
  });
  const ground = await createCopyGround({ source: late });
  await checkCopied(ground, await ground.put('key', BYTES), new RegExp(`^md5:${MD5}$`));
});

test('by the CRC of the source: it is told with each part and with the whole, and no MD5 is needed', async () => {
  const sent: [number, Body][] = [];
  const ground = await createCopyGround({ proof: 'crc', target: watchParts(sent) });
  const action = await ground.put('key', BYTES);
  await checkCopied(ground, action, /^crc64nvme:/);
  assert.deepEqual(numbersOf(sent), [1, 2, 3, 4]);
  for (const [, body] of sent) assert.equal(body.promised?.checksum?.algorithm, 'CRC64NVME');
  const [theirs, ours] = [
    await ground.source.head({ bucket: 'source', key: 'key' }),
    await ground.target.head({ bucket: 'target', key: 'key' }),
  ];
  assert.deepEqual(ours.checksum, theirs.checksum);
});

for (const proof of [undefined, 'crc'] as const) {
  const name = proof ?? 'md5';

  test(`${name}: a bit that changed when it was read is noticed before the object is there, and nothing is left`, async () => {
    const ground = await createCopyGround({ ...(proof && { proof }), source: corruptReads(2) });
    const action = await ground.put('key', BYTES);
    await catchFailure('body_corrupt', copyMultipart(ground.begin(), action));
    await checkNothingLeft(ground);
  });

  test(`${name}: a bit that changed on the way to a target that looks at nothing is noticed by its answer, and the part sent again`, async () => {
    const sent: [number, Body][] = [];
    let times = 0;
    const flip = (partNumber: number, body: Body): Body =>
      partNumber === 3 && times++ === 0
        ? { ...lookAtNothing(body), content: flipBit(body.content as Uint8Array) }
        : body;
    const ground = await createCopyGround({ ...(proof && { proof }), target: watchParts(sent, flip) });
    await checkCopied(ground, await ground.put('key', BYTES), new RegExp(`^${proof === 'crc' ? 'crc64nvme' : 'md5'}:`));
    assert.deepEqual(numbersOf(sent), [1, 2, 3, 3, 4]);
  });

  test(`${name}: a worker that dies between parts is followed by one that goes on where the records end`, async () => {
    const sent: [number, Body][] = [];
    const ground = await createCopyGround({ ...(proof && { proof }), target: watchParts(sent) });
    const action = await ground.put('key', BYTES);
    const dying = ground.begin();
    const { upload } = await openUpload(dying, action);
    await copyParts(dying, action, { upload, from: 1, to: 2, before: undefined });
    // A part that arrived and was not recorded is sent again.
    await ground.target.uploadPart({ bucket: 'target', key: 'key', uploadId: upload.uploadId }, 3, {
      sizeBytes: 3,
      content: Buffer.from('old'),
    });
    sent.length = 0;
    const delivered = await copyMultipart(ground.restart(), action);
    assert.deepEqual(numbersOf(sent), [3, 4]);
    assert.match(delivered.checksum, proof === 'crc' ? /^crc64nvme:/ : new RegExp(`^md5:${MD5}$`));
    assert.ok((await ground.readTarget('key')).equals(BYTES));
  });

  test(`${name}: a part that fails for good leaves what came before it recorded, and nothing in flight`, async () => {
    const fail = (store: Store): Partial<Store> => ({
      uploadPart: (upload, partNumber, body) =>
        partNumber === 3
          ? Promise.reject(new WaybillError('access_denied', 'no'))
          : store.uploadPart(upload, partNumber, body),
    });
    const ground = await createCopyGround({ ...(proof && { proof }), target: fail });
    const action = await ground.put('key', BYTES);
    const transfer = ground.begin();
    await catchFailure('access_denied', copyMultipart(transfer, action));
    const [recorded = []] = [...ground.parts.values()];
    assert.deepEqual(
      recorded.map(({ partNumber }) => partNumber),
      [1, 2],
    );
    // All memory was given back.
    (await transfer.step.deps.memory.take(64 * MiB))();
  });
}

test('crc: a source that tells a wrong checksum is not believed, nor is it copied', async () => {
  const lie = (store: Store): Partial<Store> => ({
    head: async (request) => ({
      ...(await store.head(request)),
      checksum: { algorithm: 'CRC32', type: 'FULL_OBJECT', value: 'AAAAAA==' },
    }),
  });
  const ground = await createCopyGround({ proof: 'crc', source: lie });
  await catchFailure('body_corrupt', copyMultipart(ground.begin(), await ground.put('key', BYTES)));
  await checkNothingLeft(ground);
});

test('crc: a target that refuses checksums, or ignores them, is held to its ETags', async () => {
  for (const refuses of [true, false]) {
    let times = 0;
    const sent: [number, Body][] = [];
    const ignore = (store: Store): Partial<Store> => ({
      createUpload: ({ checksum, ...request }) =>
        refuses && checksum !== undefined
          ? Promise.reject(new WaybillError('not_implemented', 'no checksums here'))
          : store.createUpload(request),
      async uploadPart(upload, partNumber, body) {
        sent.push([partNumber, body]);
        const flipped = partNumber === 2 && times++ === 0 ? flipBit(body.content as Uint8Array) : body.content;
        const { etag } = await store.uploadPart(upload, partNumber, { sizeBytes: body.sizeBytes, content: flipped });
        return { etag };
      },
      completeUpload: async ({ checksum: _, ...upload }, parts) => {
        const { etag } = await store.completeUpload(
          upload,
          parts.map(({ partNumber, etag: partEtag }) => ({ partNumber, etag: partEtag })),
        );
        return { etag };
      },
    });
    const ground = await createCopyGround({ proof: 'crc', target: ignore });
    await checkCopied(ground, await ground.put('key', BYTES), /^crc64nvme:/);
    assert.deepEqual(numbersOf(sent), [1, 2, 2, 3, 4], refuses ? 'refuses' : 'ignores');
    assert.equal(
      sent.some(([, body]) => body.promised !== undefined),
      !refuses,
    );
  }
});

test('crc: a target that completes with another checksum has failed', async () => {
  const other = (store: Store): Partial<Store> => ({
    completeUpload: async (upload, parts) => ({
      ...(await store.completeUpload(upload, parts)),
      checksum: { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', value: 'AAAAAAAAAAA=' },
    }),
  });
  const ground = await createCopyGround({ proof: 'crc', target: other });
  await catchFailure('checksum_mismatch', copyMultipart(ground.begin(), await ground.put('key', BYTES)));
});

test('a source that tells no checksum of the whole is proved by its MD5 though the pipeline would take a CRC', async () => {
  const silent = (store: Store): Partial<Store> => ({
    head: async (request) => {
      const { checksum: _, ...info } = await store.head(request);
      return info;
    },
  });
  const ground = await createCopyGround({ proof: 'crc', source: silent });
  await checkCopied(ground, await ground.put('key', BYTES), new RegExp(`^md5:${MD5}$`));
});

test('parts go unsigned only with the option, and only after the target answered with what proves one', async () => {
  for (const proof of [undefined, 'crc'] as const) {
    const sent: [number, Body][] = [];
    const options = { ...(proof && { proof }), unsignedPayload: true };
    const ground = await createCopyGround({ ...options, target: watchParts(sent) });
    for (const key of ['1', '2']) await copyMultipart(ground.begin(), await ground.put(key, BYTES));
    assert.ok(
      sent.slice(0, PARTS).every(([, body]) => body.sha256 !== undefined),
      'the first object is signed',
    );
    for (const [, body] of sent.slice(PARTS)) {
      assert.equal(body.isUnsigned, true);
      assert.equal(body.sha256, undefined);
      assert.ok(proof === 'crc' ? body.promised?.checksum : body.promised?.md5, 'what proves it is told');
    }
  }
});

test('an unsigned part whose answer proves nothing is sent once more, signed', async () => {
  const sent: [number, Body][] = [];
  let isMute = false;
  const mute = (store: Store): Partial<Store> => ({
    async uploadPart(upload, partNumber, body) {
      const answer = await watchParts(sent)(store).uploadPart?.(upload, partNumber, body);
      return isMute && body.isUnsigned === true ? { etag: 'opaque' as never } : (answer as NonNullable<typeof answer>);
    },
  });
  const ground = await createCopyGround({ proof: 'crc', unsignedPayload: true, target: mute });
  await copyMultipart(ground.begin(), await ground.put('1', BYTES));
  isMute = true;
  sent.length = 0;
  await copyMultipart(ground.begin(), await ground.put('2', BYTES));
  for (let number = 1; number <= PARTS; number++) {
    const last = sent.filter(([sentNumber]) => sentNumber === number).at(-1);
    assert.notEqual(last?.[1].isUnsigned, true, `part ${String(number)}`);
  }
});

test('a target that refuses unsigned parts gets them signed, and no more unsigned ones afterwards', async () => {
  for (const proof of [undefined, 'crc'] as const) {
    let refused = 0;
    const refuse = (store: Store): Partial<Store> => ({
      uploadPart(upload, partNumber, body) {
        if (body.isUnsigned !== true) return store.uploadPart(upload, partNumber, body);
        refused += 1;
        return Promise.reject(new WaybillError('access_denied', 'not so'));
      },
    });
    const ground = await createCopyGround({ ...(proof && { proof }), unsignedPayload: true, target: refuse });
    for (const key of ['1', '2']) await checkCopied(ground, await ground.put(key, BYTES), /./);
    const before = refused;
    assert.ok(before >= 1 && before <= PARTS, String(before));
    await checkCopied(ground, await ground.put('3', BYTES), /./);
    assert.equal(refused, before);
  }
});

/** @param firstBytes of the first part; those behind it begin so much earlier or later */
async function putInParts(
  ground: CopyGround,
  metadata: Record<string, string> = {},
  firstBytes = PART,
): Promise<CopyAction> {
  const place = { bucket: 'source', key: 'key' };
  const { uploadId } = await ground.source.createUpload({ ...place, headers: { metadata } });
  const parts = [];
  for (let partNumber = 1; partNumber <= PARTS; partNumber++) {
    const begin = partNumber === 1 ? 0 : (partNumber - 2) * PART + firstBytes;
    const content = BYTES.subarray(begin, partNumber === PARTS ? undefined : (partNumber - 1) * PART + firstBytes);
    const body = { sizeBytes: content.byteLength, content };
    parts.push({ partNumber, etag: (await ground.source.uploadPart({ ...place, uploadId }, partNumber, body)).etag });
  }
  const { etag } = await ground.source.completeUpload({ ...place, uploadId }, parts);
  return { op: 'copy', key: 'key', sizeBytes: BYTES.byteLength, etag, expected: { absent: true } };
}

test('by the parts’ ETags: the copy of an object of parts has its ETag, and nobody hashed the whole', async () => {
  const ground = await createCopyGround();
  const action = await putInParts(ground);
  const { upload } = await openUpload(ground.begin(), action);
  assert.deepEqual(upload.proof, { by: 'parts' });
  await checkCopied(ground, action, new RegExp(`^etag:${action.etag}$`));
  assert.equal((await ground.target.head({ bucket: 'target', key: 'key' })).etag, action.etag);
});

test('an MD5 that is recorded beside the parts is compared', async () => {
  const ground = await createCopyGround();
  const md5 = Buffer.from(MD5, 'hex').toString('base64');
  await checkCopied(ground, await putInParts(ground, { md5 }), new RegExp(`^md5:${MD5}$`));
});

for (const metadata of [{}, { md5: Buffer.from(MD5, 'hex').toString('base64') }]) {
  const beside = 'md5' in metadata ? 'with an MD5 recorded' : 'with none';
  test(`an object of parts, ${beside}: a bit that changed when it was read is noticed, and nothing is left`, async () => {
    const ground = await createCopyGround({ source: corruptReads(2, 1) });
    const action = await putInParts(ground, metadata);
    await catchFailure('body_corrupt', copyMultipart(ground.begin(), action));
    await checkNothingLeft(ground);
    await checkCopied(ground, action, /./);
  });
}

/** An object that tells something wrong of its bytes: of where its parts were cut, or an MD5 that outlived others. */
const WRONG_WORDS: readonly (readonly [
  what: string,
  put: (ground: CopyGround) => Promise<CopyAction>,
  proved: RegExp,
])[] = [
  ['parts cut elsewhere', (ground) => putInParts(ground, {}, PART - 5), /^etag:/],
  [
    'another MD5',
    (ground) => putInParts(ground, { md5: createHash('md5').update('other').digest('base64') }, PART - 5),
    /^md5:/,
  ],
];
for (const [what, put, proved] of WRONG_WORDS) {
  test(`${what}: the source is read twice, and copied where both readings are the same`, async () => {
    const reads: number[] = [];
    const ground = await createCopyGround({
      source: (store) => ({
        get(request) {
          reads.push(firstOf(request));
          return store.get(request);
        },
      }),
    });
    await checkCopied(ground, await put(ground), proved);
    assert.equal(reads.length, 2 * PARTS);
  });

  test(`${what}: a bit that changed in one of the readings is noticed, and nothing is left`, async () => {
    const ground = await createCopyGround({ source: corruptReads(3, 1) });
    const action = await put(ground);
    await catchFailure('body_corrupt', copyMultipart(ground.begin(), action));
    await checkNothingLeft(ground);
    await checkCopied(ground, action, proved);
  });
}

/** Its completed uploads have the MD5 of the whole for an ETag, in its answer and afterwards, and no record of a checksum. */
function completesWithMd5(change: (etag: string) => string = (etag) => etag) {
  return (store: Store): Partial<Store> => {
    const whole = new Map<string, string>();
    return {
      createUpload: ({ checksum: _, ...request }) => store.createUpload(request),
      async completeUpload({ checksum: _, ...upload }, parts) {
        const named = parts.map(({ partNumber, etag }) => ({ partNumber, etag }));
        const { bucket, key } = upload;
        await store.completeUpload(upload, named);
        const hash = createHash('md5');
        for await (const piece of (await store.get({ bucket, key })).body) hash.update(piece);
        const etag = change(hash.digest('hex'));
        whole.set(key, etag);
        return { etag: etag as ETag };
      },
      async head(request) {
        const info = await store.head(request);
        return { ...info, etag: (whole.get(request.key) ?? info.etag) as ETag };
      },
    };
  };
}

for (const proof of [undefined, 'crc'] as const) {
  test(`${proof ?? 'md5'}: a target whose completed uploads have the MD5 of the whole is held to it`, async () => {
    const ground = await createCopyGround({ ...(proof && { proof }), target: completesWithMd5() });
    await checkCopied(ground, await ground.put('key', BYTES), proof === 'crc' ? /^crc64nvme:/ : /^md5:/);
    assert.equal(ground.uploads.size, 1, 'the commit of its delivery takes the record along');

    const wrong = await createCopyGround({
      ...(proof && { proof }),
      target: completesWithMd5((etag) => etag.replace(/^./, (digit) => (digit === '0' ? '1' : '0'))),
    });
    const action = await wrong.put('key', BYTES);
    await catchFailure('checksum_mismatch', copyMultipart(wrong.begin(), action));
  });
}

test('an object of parts is proved by its MD5 where the target has shown that it tells nothing of parts', async () => {
  const ground = await createCopyGround({ target: completesWithMd5() });
  const action = await putInParts(ground);
  await catchFailure('checksum_mismatch', copyMultipart(ground.begin(), action));
  // The next try of the same worker.
  await checkCopied(ground, action, new RegExp(`^md5:${MD5}$`));
  assert.deepEqual(await ground.target.listUploads({ bucket: 'target', prefix: '' }), []);
});

test('a target whose completed upload has the ETag of other parts is refused, unless its ETags prove nothing', async () => {
  const target = (store: Store): Partial<Store> => ({
    async completeUpload(upload, parts) {
      await store.completeUpload(upload, parts);
      return { etag: `${'0'.repeat(32)}-${String(PARTS)}` as ETag };
    },
  });
  const ground = await createCopyGround({ target });
  await catchFailure('checksum_mismatch', copyMultipart(ground.begin(), await ground.put('key', BYTES)));
  const opaque = await createCopyGround({ target, targetETags: 'opaque' });
  await copyMultipart(opaque.begin(), await opaque.put('key', BYTES));
});

test('an upload whose place somebody else took meanwhile is a conflict, and nothing of it is left', async () => {
  const ground = await createCopyGround();
  const action = await ground.put('key', BYTES);
  const theirs = Buffer.from('somebody else’s');
  const request = { bucket: 'target', key: 'key', headers: { metadata: {} } };
  await ground.target.put(request, { sizeBytes: theirs.byteLength, content: theirs });
  await catchFailure('target_conflict', copyMultipart(ground.begin(), action));
  assert.deepEqual(await ground.readTarget('key'), theirs);
  assert.equal(ground.uploads.size, 0);
  assert.deepEqual(await ground.target.listUploads({ bucket: 'target', prefix: '' }), []);
});
