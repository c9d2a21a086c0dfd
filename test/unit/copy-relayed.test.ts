/** An object that the gateway copies by itself: it counts where the ETags prove it, and everything else is left to the bytes. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { describe, it } from 'node:test';
import { copyRelayed } from '../../activities/copy/copy-relayed.ts';
import { WaybillError, type FailureType } from '../../core/failures.ts';
import { KiB } from '../../core/limits.ts';
import type { ETag } from '../../core/ids.ts';
import type { CopyFromRequest, PutResult, Store } from '../../stores/store.ts';
import { createCopyGround, type CopyGround, type GroundOptions } from '../support/copy-ground.ts';

const BYTES = Buffer.from('what is copied');
const LARGE = Buffer.alloc(32 * KiB, 'large');
const MD5 = '4a71b9a1bcb6ee7c1d5f3cf0a4dbb4ed';

interface RelayGround extends CopyGround {
  readonly asked: CopyFromRequest[];
}

/** Stores behind a gateway that copies. @param answer of the copy; what it throws is its failure */
async function createGround(
  answer: (target: Store, request: CopyFromRequest) => Promise<PutResult>,
  more: GroundOptions = {},
): Promise<RelayGround> {
  const asked: CopyFromRequest[] = [];
  const ground = await createCopyGround({
    ...more,
    source: () => ({
      grantRead: ({ bucket, key }) => Promise.resolve({ source: `/${bucket}/${key}?signed`, onRead: () => undefined }),
    }),
    target: (store) => ({
      copyFrom(request) {
        asked.push(request);
        return answer(store, request);
      },
    }),
  });
  return { ...ground, asked };
}

const putThere = (store: Store, { bucket, key, sourceETag, ...conditions }: CopyFromRequest): Promise<PutResult> => {
  const content = [BYTES, LARGE].find((bytes) => hash('md5', bytes) === sourceETag) ?? assert.fail('no such source');
  const { ifNoneMatch, ifMatch } = conditions;
  return store.put(
    { bucket, key, headers: { metadata: {} }, ...(ifNoneMatch && { ifNoneMatch }), ...(ifMatch && { ifMatch }) },
    { sizeBytes: content.byteLength, content },
  );
};
const failWith = (type: FailureType) => (): Promise<never> => Promise.reject(new WaybillError(type, 'no'));

describe('a copy that the gateway makes', () => {
  it('is of the listed ETag, under what the plan saw at the target, and proved by the answer', async () => {
    const ground = await createGround(putThere);
    const action = await ground.put('key', BYTES);
    const delivered = await copyRelayed(ground.begin(), action);
    assert.deepEqual(
      [delivered?.key, delivered?.targetEtag, delivered?.checksum],
      ['key', action.etag, `md5:${action.etag}`],
    );
    const [{ grant, sourceETag, ifNoneMatch, withTags, isUnsigned } = {} as CopyFromRequest] = ground.asked;
    assert.deepEqual(
      [grant.source, sourceETag, ifNoneMatch, withTags, isUnsigned],
      ['/source/key?signed', action.etag, '*', false, false],
    );
    assert.deepEqual(await ground.readTarget('key'), BYTES);
  });

  it('goes unsigned by the option alone, and once the target has answered with an MD5', async () => {
    const ground = await createGround(putThere, { unsignedPayload: true });
    for (const key of ['1', '2']) await copyRelayed(ground.begin(), await ground.put(key, LARGE));
    await copyRelayed(ground.begin(), await ground.put('small', BYTES));
    assert.deepEqual(
      ground.asked.map(({ isUnsigned }) => isUnsigned),
      [false, true, false],
    );
  });

  it('whose answer has another ETag is none, and is written over by the way of the bytes', async () => {
    const ground = await createGround(() => Promise.resolve({ etag: MD5 as ETag }));
    const transfer = ground.begin();
    const action = await ground.put('key', BYTES);
    assert.equal(await copyRelayed(transfer, action), null);
    assert.equal(transfer.spoiled.get('key'), MD5);
    assert.equal(await copyRelayed(transfer, action), null, 'it is not tried again');
    assert.equal(ground.asked.length, 1);
  });

  for (const type of ['precondition_failed', 'no_such_key'] as const) {
    it(`that meets ${type} is left to the bytes, each one by itself`, async () => {
      const ground = await createGround(failWith(type));
      for (let at = 0; at < 20; at++) {
        assert.equal(await copyRelayed(ground.begin(), await ground.put(String(at), BYTES)), null);
      }
      assert.equal(ground.asked.length, 20);
    });
  }

  it('whose target has just that object already, by an earlier try, is delivered', async () => {
    const ground = await createGround(failWith('precondition_failed'));
    const action = await ground.put('key', BYTES);
    const request = { bucket: 'target', key: 'key', headers: { metadata: {} } };
    await ground.target.put(request, { sizeBytes: LARGE.byteLength, content: LARGE });
    assert.equal(await copyRelayed(ground.begin(), action), null, 'other bytes');
    await ground.target.put(request, { sizeBytes: BYTES.byteLength, content: BYTES });
    assert.equal((await copyRelayed(ground.begin(), action))?.targetEtag, action.etag);
    const transfer = ground.begin();
    const target: Store = {
      ...transfer.target,
      head: async (request) => ({ ...(await ground.target.head(request)), etagIsContentHash: false }),
    };
    assert.equal(await copyRelayed({ ...transfer, target }, action), null, 'an ETag that is no hash says nothing');
  });

  it('is not taken for an earlier try of ours where none can have failed so: the source has changed then', async () => {
    const ground = await createGround(failWith('precondition_failed'));
    const action = await ground.put('key', BYTES);
    const request = { bucket: 'target', key: 'key', headers: { metadata: {} } };
    await ground.target.put(request, { sizeBytes: BYTES.byteLength, content: BYTES });
    // Written over for what a listing does not show, its encryption or its headers.
    assert.equal(await copyRelayed(ground.begin(), { ...action, expected: { etag: action.etag } }), null);
    // Written whatever stands there.
    const transfer = ground.begin();
    const always = { ...transfer, spec: { ...transfer.spec, overwrite: 'always' as const } };
    assert.equal(await copyRelayed(always, { ...action, expected: { unknown: true } }), null);
  });

  for (const type of ['not_implemented', 'store_refused', 'access_denied', 'body_corrupt', 'no_such_bucket'] as const) {
    it(`that fails by ${type} again and again is not tried any more`, async () => {
      const ground = await createGround(failWith(type));
      for (let at = 0; at < 20; at++) {
        assert.equal(await copyRelayed(ground.begin(), await ground.put(String(at), BYTES)), null);
      }
      assert.equal(ground.asked.length, 16);
    });
  }

  for (const type of [
    'store_slow_down',
    'store_error',
    'store_timeout',
    'store_unreachable',
    'bad_credentials',
  ] as const) {
    it(`that fails by ${type} fails, for whoever tries again`, async () => {
      const ground = await createGround(failWith(type));
      await assert.rejects(copyRelayed(ground.begin(), await ground.put('key', BYTES)), { type });
    });
  }

  it('that outlasted the limit of a request is left to the bytes by the next try, for they have it twice', async () => {
    const ground = await createGround(failWith('store_timeout'));
    const transfer = ground.begin();
    const action = await ground.put('key', BYTES);
    await assert.rejects(copyRelayed(transfer, action), { type: 'store_timeout' });
    assert.equal(await copyRelayed(transfer, action), null);
    await assert.rejects(copyRelayed(ground.begin(), action), { type: 'store_timeout' }, 'a slow day is not for ever');
    for (let at = 1; at < 16; at++) {
      await assert.rejects(copyRelayed(transfer, await ground.put(String(at), BYTES)), { type: 'store_timeout' });
    }
    assert.equal(await copyRelayed(transfer, await ground.put('17', BYTES)), null, 'all of them are');
  });

  it('is not asked of a target that is asked first for want of conditions: the reading would lie in between', async () => {
    const ground = await createGround(putThere);
    const transfer = ground.begin();
    const targetFacts = { ...transfer.targetFacts, conditionalWrites: false };
    assert.equal(await copyRelayed({ ...transfer, targetFacts }, await ground.put('key', BYTES)), null);
    assert.deepEqual(ground.asked, []);
  });

  it('is not asked for where no ETag would prove it', async () => {
    for (const more of [{ sourceETags: 'opaque' }, { targetETags: 'opaque' }] as const) {
      const ground = await createGround(putThere, more);
      assert.equal(await copyRelayed(ground.begin(), await ground.put('key', BYTES)), null);
      assert.deepEqual(ground.asked, []);
    }
    const ground = await createGround(putThere);
    const action = { ...(await ground.put('key', BYTES)), etag: `${MD5}-2` };
    assert.equal(await copyRelayed(ground.begin(), action), null);
    assert.deepEqual(ground.asked, []);
  });

  it('is not asked of stores that no gateway of ours stands before', async () => {
    const ground = await createCopyGround();
    assert.equal(await copyRelayed(ground.begin(), await ground.put('key', BYTES)), null);
  });
});
