import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { ListPage, ListRequest } from '../../stores/store.ts';
import { toBody } from '../support/store-bytes.ts';
import { assertFails } from '../support/store-failure.ts';
import type { Subject } from './store-contract.ts';

const KEYS = [
  'a',
  'a/1',
  'a/2',
  'a/b/1',
  'a/b/2',
  'a0',
  'b/',
  'b//1',
  'b/1',
  'c',
  'd/e/f/g',
  'd/e/h',
  '\u00fc/1',
  '\u{1F600}/1',
];

export function describeListing(subject: Subject): void {
  describe('listing', () => {
    let bucket = '';
    before(async () => {
      bucket = await subject.freshBucket();
      for (const key of KEYS) {
        await subject.store.put({ bucket, key, headers: { metadata: {} } }, toBody(Buffer.from(key)));
      }
    });
    const list = async (request: Omit<ListRequest, 'bucket'> = {}): Promise<ListPage> =>
      subject.store.list({ bucket, ...request });
    const keysOf = (page: ListPage): string[] => page.objects.map((object) => object.key);

    it('a page has size, ETag and time of each object as head tells them', async () => {
      const page = await list();
      assert.deepEqual(keysOf(page), KEYS);
      assert.equal(page.nextContinuationToken, undefined);
      for (const { key, checksum, ...listed } of page.objects) {
        const { sizeBytes, etag, lastModifiedMs, checksum: kept } = await subject.store.head({ bucket, key });
        assert.deepEqual(listed, { sizeBytes, etag, lastModifiedMs });
        if (subject.isOwn) {
          assert.ok(kept !== undefined);
          assert.deepEqual(checksum, { algorithm: kept.algorithm, type: kept.type });
        }
      }
    });

    it('a prefix is a string, not a directory', async () => {
      assert.deepEqual(keysOf(await list({ prefix: 'a' })), ['a', 'a/1', 'a/2', 'a/b/1', 'a/b/2', 'a0']);
      assert.deepEqual(keysOf(await list({ prefix: 'a/' })), ['a/1', 'a/2', 'a/b/1', 'a/b/2']);
      assert.deepEqual(keysOf(await list({ prefix: 'b//' })), ['b//1']);
      assert.deepEqual(keysOf(await list({ prefix: 'nothing' })), []);
      assert.deepEqual(keysOf(await list({ prefix: '/' })), []);
    });

    it('a delimiter groups by what comes after the prefix', async () => {
      const top = await list({ delimiter: '/' });
      assert.deepEqual(keysOf(top), ['a', 'a0', 'c']);
      assert.deepEqual(top.commonPrefixes, ['a/', 'b/', 'd/', '\u00fc/', '\u{1F600}/']);
      const below = await list({ delimiter: '/', prefix: 'b/' });
      assert.deepEqual(keysOf(below), ['b/', 'b/1']);
      assert.deepEqual(below.commonPrefixes, ['b//']);
      const inside = await list({ delimiter: '/e/', prefix: 'd' });
      assert.deepEqual(inside.commonPrefixes, ['d/e/']);
    });

    for (const maxKeys of [1, 2, 3, 5]) {
      it(`pages of ${String(maxKeys)} make the whole listing, with and without a delimiter`, async () => {
        for (const request of [{}, { delimiter: '/' }, { prefix: 'a' }, { prefix: 'a/', delimiter: '/' }]) {
          const whole = await list(request);
          const keys: string[] = [];
          const prefixes: string[] = [];
          let page = await list({ ...request, maxKeys });
          for (;;) {
            keys.push(...keysOf(page));
            prefixes.push(...page.commonPrefixes);
            const found = page.objects.length + page.commonPrefixes.length;
            if (page.nextContinuationToken === undefined) {
              assert.ok(found <= maxKeys);
              break;
            }
            assert.equal(found, maxKeys);
            page = await list({ ...request, maxKeys, continuationToken: page.nextContinuationToken });
          }
          assert.deepEqual(keys, keysOf(whole));
          assert.deepEqual(prefixes, whole.commonPrefixes);
        }
      });
    }

    it('start-after opens strictly after any string, present or not, before or inside the prefix', async () => {
      assert.deepEqual(keysOf(await list({ startAfter: 'a0' })), KEYS.slice(6));
      assert.deepEqual(keysOf(await list({ startAfter: 'a/zzz', maxKeys: 1 })), ['a0']);
      assert.deepEqual(keysOf(await list({ startAfter: '\u{10FFFF}' })), []);
      assert.deepEqual(keysOf(await list({ prefix: 'a/', startAfter: 'Z' })), ['a/1', 'a/2', 'a/b/1', 'a/b/2']);
      assert.deepEqual(keysOf(await list({ prefix: 'a/', startAfter: 'a/2' })), ['a/b/1', 'a/b/2']);
      assert.deepEqual(keysOf(await list({ prefix: 'a/', startAfter: 'b' })), []);
    });

    it('start-after inside a common prefix still shows the prefix when a later key has it', async () => {
      const page = await list({ delimiter: '/', startAfter: 'a/1', maxKeys: 2 });
      assert.deepEqual([page.commonPrefixes, keysOf(page)], [['a/'], ['a0']]);
    });

    it('a continuation token wins over start-after', async () => {
      const first = await list({ maxKeys: 3 });
      const token = first.nextContinuationToken;
      assert.ok(token !== undefined);
      const next = await list({ continuationToken: token, startAfter: 'd', maxKeys: 1 });
      assert.deepEqual(keysOf(next), [KEYS[3]]);
    });

    it('a full last page ends the listing', async () => {
      const page = await list({ maxKeys: KEYS.length });
      assert.equal(page.objects.length, KEYS.length);
      assert.equal(page.nextContinuationToken, undefined);
    });

    it('a token that was not given out is refused', async () => {
      await assertFails(list({ continuationToken: 'not one of ours' }), 'store_refused', 'InvalidArgument');
    });
  });
}
