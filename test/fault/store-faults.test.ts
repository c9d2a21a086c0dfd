/** The faulty store does what its plan says, and nothing else. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isWaybillError } from '../../core/failures.ts';
import { createFaultyStore } from '../../stores/faulty/create-faulty-store.ts';
import type { FaultyStore } from '../../stores/faulty/create-faulty-store.ts';
import { slowDown } from '../../stores/faulty/fault.ts';
import type { Fault } from '../../stores/faulty/fault.ts';
import { createMemoryStore } from '../../stores/memory/create-memory-store.ts';
import { buildBytes, toBody, toSha256 } from '../support/store-bytes.ts';
import { drain } from '../support/store-drain.ts';
import { assertFails } from '../support/store-failure.ts';

const place = { bucket: 'bkt', key: 'k', headers: { metadata: {} } };
const bytes = buildBytes(1000, 1);

async function createPlanned(...plan: Fault[]): Promise<FaultyStore> {
  const store = createMemoryStore();
  await store.createBucket('bkt');
  return createFaultyStore(store, plan);
}

describe('a faulty store', () => {
  it('fails the Nth call of an operation before its effect, and no other', async () => {
    const store = await createPlanned({ operation: 'put', nth: 2, kind: 'fail-before', type: 'store_error' });
    await store.put(place, toBody(bytes));
    await assertFails(store.put({ ...place, key: 'lost' }, toBody(bytes)), 'store_error');
    await store.put({ ...place, key: 'kept' }, toBody(bytes));
    await assertFails(store.head({ bucket: 'bkt', key: 'lost' }), 'no_such_key');
    assert.equal(store.calls.get('put'), 3);
    assert.equal(store.faults(), 1);
  });

  it('fails after the effect: the object is there although the caller heard of a failure', async () => {
    const store = await createPlanned({ operation: 'put', nth: 1, kind: 'fail-after', type: 'store_timeout' });
    await assertFails(store.put(place, toBody(bytes)), 'store_timeout');
    assert.equal((await store.head(place)).sizeBytes, 1000);
  });

  it('counts over all operations where the plan says any', async () => {
    const store = await createPlanned({ operation: 'any', nth: 2, kind: 'fail-before', type: 'store_unreachable' });
    await store.put(place, toBody(bytes));
    await assertFails(store.head(place), 'store_unreachable');
    await store.head(place);
  });

  it('asks to slow down and says for how long', async () => {
    const store = await createPlanned(slowDown('get', 'every', 1500));
    const error: unknown = await store.get(place).catch((reason: unknown) => reason);
    assert.ok(isWaybillError(error) && error.type === 'store_slow_down');
    assert.equal(error.retryAfterMs, 1500);
  });

  it('cuts and alters what is read', async () => {
    const cut: Fault = { operation: 'get', nth: 1, kind: 'truncate' };
    const store = await createPlanned(cut, { operation: 'get', nth: 2, kind: 'corrupt' });
    await store.put(place, toBody(bytes));
    await assertFails(drain((await store.get(place)).body), 'body_corrupt');
    const altered = await drain((await store.get(place)).body);
    assert.equal(altered.length, bytes.length);
    assert.equal(altered.filter((byte, index) => byte !== bytes[index]).length, 1);
    assert.ok((await drain((await store.get(place)).body)).equals(bytes));
  });

  it('cuts and alters what is written, and the store answers as if all were well', async () => {
    const cut: Fault = { operation: 'put', nth: 1, kind: 'truncate' };
    const store = await createPlanned(cut, { operation: 'put', nth: 2, kind: 'corrupt' });
    await store.put(place, { ...toBody(bytes), sha256: toSha256(bytes) });
    assert.equal((await store.head(place)).sizeBytes, 500);
    await store.put(place, { ...toBody(bytes), sha256: toSha256(bytes) });
    const held = await drain((await store.get(place)).body);
    assert.ok(held.length === 1000 && !held.equals(bytes));
  });

  it('lists out of order, repeats a page and breaks off', async () => {
    const list = (nth: number, kind: 'disorder' | 'repeat' | 'break-off'): Fault => ({ operation: 'list', nth, kind });
    const store = await createPlanned(list(1, 'disorder'), list(3, 'repeat'), list(4, 'break-off'));
    for (const key of ['a', 'b', 'c']) {
      await store.put({ ...place, key }, toBody(bytes));
    }
    const keys = async (startAfter: string): Promise<string[]> =>
      (await store.list({ bucket: 'bkt', startAfter })).objects.map((object) => object.key);
    assert.deepEqual(await keys(''), ['c', 'a', 'b']);
    assert.deepEqual(await keys(''), ['a', 'b', 'c']);
    assert.deepEqual(await keys('b'), ['a', 'b', 'c']);
    await assertFails(keys('b'), 'listing_incomplete');
    assert.deepEqual(await keys('b'), ['c']);
  });

  it('waits where the test tells it to', async () => {
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const store = await createPlanned({ operation: 'put', nth: 1, kind: 'wait-for', until: () => gate });
    const put = store.put(place, toBody(bytes));
    await assertFails(store.head(place), 'no_such_key');
    release();
    await put;
    assert.equal((await store.head(place)).sizeBytes, 1000);
  });
});
