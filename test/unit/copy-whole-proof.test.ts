/** A small object: which hop is proved by what, and that one bit that changes on either is noticed in every mode. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { copyWhole } from '../../activities/copy/copy-whole.ts';
import { WaybillError } from '../../core/failures.ts';
import { KiB } from '../../core/limits.ts';
import type { Body, PutResult, Store } from '../../stores/store.ts';
import { catchFailure } from '../support/catch-failure.ts';
import { createCopyGround, flipBit, type GroundOptions } from '../support/copy-ground.ts';
import { buildBytes } from '../support/store-bytes.ts';

const BYTES = buildBytes(100 * KiB, 1);
const MD5 = createHash('md5').update(BYTES).digest('hex');

/** The first `count` reads have one bit changed. */
const corruptReads =
  (count: number) =>
  (store: Store): Partial<Store> => ({
    async get(request) {
      const got = await store.get(request);
      if (count-- <= 0) return got;
      async function* body() {
        for await (const piece of got.body) yield flipBit(piece);
      }
      return { ...got, body: body() };
    },
  });

/** Bodies as they go out; `change` says what arrives instead. */
const watchPuts =
  (sent: Body[], change: (body: Body) => Body = (body) => body, answer: (result: PutResult) => PutResult = (r) => r) =>
  (store: Store): Partial<Store> => ({
    async put(request, body) {
      sent.push(body);
      return answer(await store.put(request, change(body)));
    },
  });

/** As a store that takes none, or a gateway whose key may send none any more; `denied` is a key that nobody may write. */
const refuseUnsigned =
  (sent: Body[], denied?: string) =>
  (store: Store): Partial<Store> => ({
    async put(request, body) {
      sent.push(body);
      if (body.isUnsigned === true || request.key === denied) throw new WaybillError('access_denied', 'not so');
      return store.put(request, body);
    },
  });

const flipOnTheWay = (body: Body): Body => ({ ...body, content: flipBit(body.content as Uint8Array) });
/** A store that looks at nothing, as one behind a bad proxy. */
const lookAtNothing = ({ sizeBytes, content }: Body): Body => ({ sizeBytes, content });

async function copy(options: GroundOptions, tries = 1) {
  const ground = await createCopyGround(options);
  const action = await ground.put('key', BYTES);
  const transfer = ground.begin();
  for (let at = 1; at < tries; at++) await copyWhole(transfer, action, null).catch(() => undefined);
  return { ground, copying: copyWhole(transfer, action, null) };
}

test('the MD5 of the source is told to the target, and the delivery says it', async () => {
  const sent: Body[] = [];
  const { ground, copying } = await copy({ target: watchPuts(sent) });
  const delivered = await copying;
  assert.equal(delivered.checksum, `md5:${MD5}`);
  assert.deepEqual(sent[0]?.promised, { md5: MD5 });
  assert.equal(sent[0]?.sha256, createHash('sha256').update(BYTES).digest('hex'));
  assert.deepEqual(await ground.readTarget('key'), BYTES);
});

test('a small body is hashed here, and a bit that changed when it was read never leaves', async () => {
  const sent: Body[] = [];
  const ground = await createCopyGround({ source: corruptReads(1), target: watchPuts(sent) });
  const action = await ground.put('key', BYTES.subarray(0, 1000));
  await catchFailure('body_corrupt', copyWhole(ground.begin(), action, null));
  assert.equal(sent.length, 0);
});

test('a bit that changed when it was read is refused by the target, told of the right hop, and nothing is stored', async () => {
  const { ground, copying } = await copy({ source: corruptReads(1) });
  const failure = await catchFailure('body_corrupt', copying);
  assert.match(failure.message, /the bytes read do not have the MD5/);
  await catchFailure('no_such_key', ground.target.head({ bucket: 'target', key: 'key' }));
});

test('a target that took a changed bit all the same has it written over by the next try', async () => {
  const { ground, copying } = await copy({ source: corruptReads(1), target: watchPuts([], lookAtNothing) }, 2);
  assert.equal((await copying).targetEtag, MD5);
  assert.deepEqual(await ground.readTarget('key'), BYTES);
});

test('a bit that changed on the way to the target is refused by it', async () => {
  const onTheWay = await copy({ target: watchPuts([], flipOnTheWay) });
  const failure = await catchFailure('body_corrupt', onTheWay.copying);
  assert.doesNotMatch(failure.message, /the bytes read/);
});

test('a target that looks at nothing and stored other bytes is told by its ETag', async () => {
  const { copying } = await copy({ target: watchPuts([], (body) => lookAtNothing(flipOnTheWay(body))) });
  await catchFailure('checksum_mismatch', copying);
});

test('a write whose answer was lost is delivered, and a changed bit in the second reading is not taken for it', async () => {
  const lost = (store: Store): Partial<Store> => {
    let first = true;
    return {
      async put(request, body) {
        const result = await store.put(request, body);
        if (!first) return result;
        first = false;
        throw new Error('the connection was lost');
      },
    };
  };
  const { copying } = await copy({ target: lost }, 2);
  assert.equal((await copying).targetEtag, MD5);
});

const OPAQUE = { proof: 'crc', sourceETags: 'opaque', targetETags: 'opaque' } as const;
/** The ETags of a memory store are MD5s; as an opaque one's adapter tells them. */
const opaque = (store: Store): Partial<Store> => ({
  get: async (request) => {
    const got = await store.get(request);
    return { ...got, info: { ...got.info, etagIsContentHash: false } };
  },
});

test('proof: crc compares the source’s CRC, tells it to the target and looks at the answer', async () => {
  const sent: Body[] = [];
  const { copying } = await copy({ ...OPAQUE, source: opaque, target: watchPuts(sent) });
  assert.match((await copying).checksum, /^crc64nvme:.{12}$/);
  assert.equal(sent[0]?.promised?.checksum?.algorithm, 'CRC64NVME');
});

test('proof: crc notices a bit that changed when it was read, before anything is sent', async () => {
  const sent: Body[] = [];
  const corrupt = corruptReads(1);
  const source = (store: Store): Partial<Store> => opaque({ ...store, ...corrupt(store) });
  const { copying } = await copy({ ...OPAQUE, source, target: watchPuts(sent) });
  await catchFailure('body_corrupt', copying);
  assert.equal(sent.length, 0);
});

test('proof: crc notices a target that answers with another checksum', async () => {
  const answer = (result: PutResult): PutResult => ({
    ...result,
    checksum: { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', value: 'AAAAAAAAAAA=' },
  });
  const { copying } = await copy({ ...OPAQUE, source: opaque, target: watchPuts([], undefined, answer) });
  await catchFailure('checksum_mismatch', copying);
});

test('without the option no body is unsigned; with it none until the target has shown that it answers', async () => {
  for (const unsignedPayload of [false, true]) {
    const sent: Body[] = [];
    const ground = await createCopyGround({ unsignedPayload, target: watchPuts(sent) });
    for (const key of ['1', '2', '3']) await copyWhole(ground.begin(), await ground.put(key, BYTES), null);
    await copyWhole(ground.restart(), await ground.put('4', BYTES), null);
    assert.deepEqual(
      sent.map(({ isUnsigned, sha256 }) => [isUnsigned ?? false, sha256 === undefined]),
      [false, unsignedPayload, unsignedPayload, false].map((is) => [is, is]),
    );
  }
});

test('a target that stops answering with what proves the bytes gets them once more, signed', async () => {
  const sent: Body[] = [];
  let puts = 0;
  const answer = (result: PutResult): PutResult => (++puts === 2 ? { ...result, etag: 'opaque' as never } : result);
  const ground = await createCopyGround({
    unsignedPayload: true,
    target: (store) => ({
      ...watchPuts(sent, undefined, answer)(store),
      // The store that answered so has just that ETag.
      put: async (request, body) => {
        const { ifMatch, ...rest } = request;
        const result = watchPuts(sent, undefined, answer)(store).put?.(ifMatch === 'opaque' ? rest : request, body);
        return (await result) as PutResult;
      },
    }),
  });
  await copyWhole(ground.begin(), await ground.put('1', BYTES), null);
  const action = await ground.put('2', BYTES);
  const transfer = ground.begin();
  await catchFailure('body_corrupt', copyWhole(transfer, action, null));
  assert.equal((await copyWhole(transfer, action, null)).targetEtag, MD5);
  assert.deepEqual(
    sent.map(({ isUnsigned }) => isUnsigned ?? false),
    [false, true, false],
  );
});

test('a target that refuses an unsigned body gets it signed, and no more unsigned ones', async () => {
  const sent: Body[] = [];
  const ground = await createCopyGround({ unsignedPayload: true, target: refuseUnsigned(sent) });
  for (const key of ['1', '2', '3']) {
    assert.equal((await copyWhole(ground.begin(), await ground.put(key, BYTES), null)).targetEtag, MD5);
  }
  assert.deepEqual(
    sent.map(({ isUnsigned }) => isUnsigned ?? false),
    [false, true, false, false],
  );
});

test('a target that refuses the signed body too says nothing of unsigned ones', async () => {
  const sent: Body[] = [];
  const ground = await createCopyGround({ unsignedPayload: true, target: refuseUnsigned(sent, '2') });
  await copyWhole(ground.begin(), await ground.put('1', BYTES), null);
  await catchFailure(
    'access_denied',
    ground.put('2', BYTES).then((action) => copyWhole(ground.begin(), action, null)),
  );
  await copyWhole(ground.begin(), await ground.put('3', BYTES), null);
  assert.deepEqual(
    sent.map(({ isUnsigned }) => isUnsigned ?? false),
    [false, true, false, true, false],
  );
});

test('a target without MD5 ETags and without checksums never gets an unsigned body', async () => {
  const sent: Body[] = [];
  const answer = ({ etag }: PutResult): PutResult => ({ etag });
  const options = { ...OPAQUE, unsignedPayload: true, source: opaque };
  const ground = await createCopyGround({ ...options, target: watchPuts(sent, undefined, answer) });
  for (const key of ['1', '2']) await copyWhole(ground.begin(), await ground.put(key, BYTES), null);
  assert.deepEqual(
    sent.map(({ sha256 }) => sha256 !== undefined),
    [true, true],
  );
});
