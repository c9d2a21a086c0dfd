import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toBody } from '../support/store-bytes.ts';
import { drain } from '../support/store-drain.ts';
import { assertFails } from '../support/store-failure.ts';
import type { Subject } from './store-contract.ts';

const NONE = { metadata: {} };
const OTHER = 'f'.repeat(32);

export function describeConditions(subject: Subject): void {
  describe('conditions', () => {
    const put = async (key: string, text: string, conditions = {}): Promise<string> => {
      const request = { bucket: subject.bucket, key: `conditions/${key}`, headers: NONE, ...conditions };
      return (await subject.store.put(request, toBody(Buffer.from(text)))).etag;
    };
    const read = async (key: string): Promise<string> => {
      const { body } = await subject.store.get({ bucket: subject.bucket, key: `conditions/${key}` });
      return (await drain(body)).toString();
    };

    it('a read under If-Match of another ETag fails, and under If-None-Match of its own is not modified', async () => {
      const etag = await put('read', 'x');
      const place = { bucket: subject.bucket, key: 'conditions/read' };
      for (const method of ['head', 'get'] as const) {
        await assertFails(subject.store[method]({ ...place, ifMatch: OTHER }), 'precondition_failed');
        await assertFails(subject.store[method]({ ...place, ifNoneMatch: etag }), 'not_modified');
      }
      assert.equal((await subject.store.head({ ...place, ifMatch: etag })).etag, etag);
      assert.equal((await subject.store.head({ ...place, ifNoneMatch: OTHER })).etag, etag);
      const { body } = await subject.store.get({ ...place, ifMatch: etag, ifNoneMatch: OTHER });
      assert.equal((await drain(body)).toString(), 'x');
    });

    it('a put under If-None-Match creates, and never replaces', async () => {
      await put('create', 'first', { ifNoneMatch: '*' });
      await assertFails(put('create', 'second', { ifNoneMatch: '*' }), 'precondition_failed');
      assert.equal(await read('create'), 'first');
    });

    it('a put under If-Match replaces exactly that ETag', async () => {
      const etag = await put('replace', 'first');
      await assertFails(put('replace', 'wrong', { ifMatch: OTHER }), 'precondition_failed');
      await put('replace', 'second', { ifMatch: etag });
      await assertFails(put('replace', 'late', { ifMatch: etag }), 'precondition_failed');
      assert.equal(await read('replace'), 'second');
    });

    it('a put under If-Match over nothing is no_such_key, and creates nothing', async () => {
      await assertFails(put('absent', 'x', { ifMatch: OTHER }), 'no_such_key');
      await assertFails(read('absent'), 'no_such_key');
    });

    it('a delete under If-Match deletes exactly that ETag, and * whatever is there', async () => {
      const etag = await put('delete', 'first');
      const place = { bucket: subject.bucket, key: 'conditions/delete' };
      await assertFails(subject.store.delete({ ...place, ifMatch: OTHER }), 'precondition_failed');
      assert.equal(await read('delete'), 'first');
      await subject.store.delete({ ...place, ifMatch: etag });
      await assertFails(read('delete'), 'no_such_key');
      await put('delete', 'second');
      await subject.store.delete({ ...place, ifMatch: '*' });
      await assertFails(read('delete'), 'no_such_key');
    });

    it('a delete under If-Match of what is not there is no_such_key', async () => {
      const place = { bucket: subject.bucket, key: 'conditions/never' };
      await assertFails(subject.store.delete({ ...place, ifMatch: OTHER }), 'no_such_key', 'NoSuchKey');
      await assertFails(subject.store.delete({ ...place, ifMatch: '*' }), 'no_such_key');
      await subject.store.delete(place);
    });

    it('of many concurrent deletes under one ETag exactly one wins', async () => {
      const etag = await put('delete-race', 'x');
      const place = { bucket: subject.bucket, key: 'conditions/delete-race' };
      const deletes = Array.from({ length: 8 }, () => subject.store.delete({ ...place, ifMatch: etag }));
      const results = await Promise.allSettled(deletes);
      assert.equal(results.filter((result) => result.status === 'fulfilled').length, 1);
    });

    it('of many concurrent creations of one key exactly one wins, and its bytes are there', async () => {
      const puts = Array.from({ length: 12 }, async (_, index) =>
        put('race', `body ${String(index)}`, { ifNoneMatch: '*' }),
      );
      const results = await Promise.allSettled(puts);
      const winners = results.flatMap((result, index) => (result.status === 'fulfilled' ? [index] : []));
      assert.equal(winners.length, 1);
      assert.equal(await read('race'), `body ${String(winners[0])}`);
    });

    it('of many concurrent replacements of one ETag exactly one wins', async () => {
      const etag = await put('swap', 'before');
      const puts = Array.from({ length: 8 }, async (_, index) =>
        put('swap', `after ${String(index)}`, { ifMatch: etag }),
      );
      const results = await Promise.allSettled(puts);
      assert.equal(results.filter((result) => result.status === 'fulfilled').length, 1);
    });
  });
}
