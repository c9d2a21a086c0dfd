import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ObjectHeaders } from '../../stores/store.ts';
import { buildBytes, toBody, toMd5, toSha256 } from '../support/store-bytes.ts';
import { drain, inPieces } from '../support/store-drain.ts';
import { assertFails } from '../support/store-failure.ts';
import type { Subject } from './store-contract.ts';

const NONE = { metadata: {} };
/** On both sides of the limits at which an adapter may change its way: inline, one read, several reads. */
const SIZES = [0, 1, 1024, 16 * 1024, 16 * 1024 + 1, 256 * 1024, 700_001];

export function describeObjects(subject: Subject): void {
  describe('objects', () => {
    for (const sizeBytes of SIZES) {
      it(`${String(sizeBytes)} bytes come back as they were put, at once or in pieces`, async () => {
        const { store, bucket } = subject;
        const bytes = buildBytes(sizeBytes, sizeBytes + 7);
        const sha256 = toSha256(bytes);
        const request = { bucket, key: `objects/size-${String(sizeBytes)}`, headers: NONE };
        for (const content of [bytes, (): AsyncGenerator<Uint8Array> => inPieces(bytes, 65_536)]) {
          const { etag } = await store.put(request, { sizeBytes, sha256, content });
          assert.equal(etag, toMd5(bytes));
          const { info, range, body } = await store.get(request);
          assert.ok((await drain(body)).equals(bytes));
          assert.deepEqual(range, { first: 0, lengthBytes: sizeBytes });
          assert.equal(info.sizeBytes, sizeBytes);
          assert.equal(info.etag, etag);
          assert.equal(info.lastModifiedMs % 1000, 0);
          assert.ok(Math.abs(Date.now() - info.lastModifiedMs) < 60_000);
        }
      });
    }

    it('headers and user metadata come back from head and get; what was not given is absent', async () => {
      const { store, bucket } = subject;
      const headers: ObjectHeaders = {
        contentType: 'text/plain; charset=utf-8',
        cacheControl: 'max-age=60',
        contentDisposition: 'attachment; filename="a b.txt"',
        contentEncoding: 'identity',
        contentLanguage: 'de',
        expires: 'Thu, 01 Jan 2032 00:00:00 GMT',
        metadata: { owner: 'someone', 'two-words': 'a  value with = and "quotes"' },
      };
      await store.put({ bucket, key: 'objects/full', headers }, toBody(Buffer.from('x')));
      await store.put({ bucket, key: 'objects/bare', headers: NONE }, toBody(Buffer.from('x')));
      const full = await store.head({ bucket, key: 'objects/full' });
      for (const [name, value] of Object.entries(headers)) {
        assert.deepEqual({ ...full }[name], value, name);
      }
      const { info, body } = await store.get({ bucket, key: 'objects/full' });
      await drain(body);
      assert.deepEqual(info, full);
      const bare = await store.head({ bucket, key: 'objects/bare' });
      assert.deepEqual(bare.metadata, {});
      assert.equal(bare.cacheControl, undefined);
      assert.equal(bare.contentDisposition, undefined);
    });

    it('a put replaces bytes, headers and tags together', async () => {
      const { store, bucket } = subject;
      const place = { bucket, key: 'objects/replaced' };
      const first = { ...place, headers: { contentType: 'a/b', metadata: { one: '1' } }, tags: { t: '1' } };
      await store.put(first, toBody(buildBytes(40_000, 1)));
      await store.put({ ...place, headers: { metadata: { two: '2' } } }, toBody(Buffer.from('new')));
      const { info, body } = await store.get(place);
      assert.equal((await drain(body)).toString(), 'new');
      assert.deepEqual(info.metadata, { two: '2' });
      assert.notEqual(info.contentType, 'a/b');
      assert.deepEqual(await store.getTags(place), {});
    });

    it('a deleted object is gone, and deleting what is not there succeeds', async () => {
      const { store, bucket } = subject;
      const place = { bucket, key: 'objects/deleted' };
      await store.put({ ...place, headers: NONE }, toBody(Buffer.from('x')));
      await store.delete(place);
      await store.delete(place);
      await assertFails(store.get(place), 'no_such_key');
      await assertFails(store.head(place), 'no_such_key');
      await assertFails(store.getTags(place), 'no_such_key');
      await assertFails(store.putTags(place, { a: 'b' }), 'no_such_key');
    });

    it('tags are put with the object, read, replaced and counted', async () => {
      const { store, bucket } = subject;
      const place = { bucket, key: 'objects/tagged' };
      await store.put(
        { ...place, headers: NONE, tags: { team: 'etl', 'with space': 'a+b=c/d@e' } },
        toBody(Buffer.from('x')),
      );
      assert.deepEqual(await store.getTags(place), { team: 'etl', 'with space': 'a+b=c/d@e' });
      const { info, body } = await store.get(place);
      await drain(body);
      assert.equal(info.tagCount, 2);
      await store.putTags(place, { only: 'ü' });
      assert.deepEqual(await store.getTags(place), { only: 'ü' });
      await store.putTags(place, {});
      assert.deepEqual(await store.getTags(place), {});
    });

    for (const sizeBytes of [1000, 300_000]) {
      it(`ranges and suffixes of ${String(sizeBytes)} bytes are cut at the object's ends`, async () => {
        const { store, bucket } = subject;
        const bytes = buildBytes(sizeBytes, 3);
        const place = { bucket, key: `objects/range-${String(sizeBytes)}` };
        await store.put({ ...place, headers: NONE }, toBody(bytes));
        const cases = [
          { range: { first: 0, last: 0 }, from: 0, to: 1 },
          { range: { first: 10, last: 19 }, from: 10, to: 20 },
          { range: { first: sizeBytes - 5 }, from: sizeBytes - 5, to: sizeBytes },
          { range: { first: 500, last: sizeBytes + 500 }, from: 500, to: sizeBytes },
          { range: { suffixBytes: 7 }, from: sizeBytes - 7, to: sizeBytes },
          { range: { suffixBytes: sizeBytes * 2 }, from: 0, to: sizeBytes },
        ];
        for (const { range, from, to } of cases) {
          const result = await store.get({ ...place, range });
          assert.ok((await drain(result.body)).equals(bytes.subarray(from, to)), JSON.stringify(range));
          assert.deepEqual(result.range, { first: from, lengthBytes: to - from });
          assert.equal(result.info.sizeBytes, sizeBytes);
        }
        await assertFails(store.get({ ...place, range: { first: sizeBytes } }), 'range_unsatisfiable');
        await assertFails(store.get({ ...place, range: { suffixBytes: 0 } }), 'range_unsatisfiable');
      });
    }

    it('a body left early can be read again from its beginning', async () => {
      const { store, bucket } = subject;
      const place = { bucket, key: 'objects/left' };
      const bytes = buildBytes(1_000_000, 5);
      await store.put({ ...place, headers: NONE }, toBody(bytes));
      for await (const chunk of (await store.get(place)).body) {
        assert.ok(chunk.byteLength > 0);
        break;
      }
      assert.ok((await drain((await store.get(place)).body)).equals(bytes));
    });

    for (const sizeBytes of [100, 50_000]) {
      it(`a body of ${String(sizeBytes)} bytes that is cut, grown, broken or altered leaves what was there`, async () => {
        const { store, bucket } = subject;
        const place = { bucket, key: `objects/corrupt-${String(sizeBytes)}`, headers: NONE };
        const good = buildBytes(sizeBytes, 1);
        await store.put(place, toBody(good));
        const cut = { sizeBytes, content: () => inPieces(good.subarray(0, sizeBytes - 1), 30) };
        const grown = { sizeBytes: sizeBytes - 1, content: () => inPieces(good, 30) };
        const altered = { sizeBytes, content: buildBytes(sizeBytes, 2), sha256: toSha256(good) };
        const broken = {
          sizeBytes,
          content: async function* () {
            yield* inPieces(good.subarray(0, 60), 30);
            throw new Error('the source went away');
          },
        };
        for (const body of [cut, grown, altered, broken]) {
          await assertFails(store.put(place, body), 'body_corrupt');
          await assertFails(store.put({ ...place, key: `${place.key}-new` }, body), 'body_corrupt');
        }
        await assertFails(store.head({ bucket, key: `${place.key}-new` }), 'no_such_key');
        assert.ok((await drain((await store.get(place)).body)).equals(good));
      });
    }

    it('a put whose signal was aborted leaves nothing', async () => {
      const { store, bucket } = subject;
      const place = { bucket, key: 'objects/aborted', headers: NONE };
      const stop = new AbortController();
      const content = async function* (): AsyncGenerator<Uint8Array> {
        yield buildBytes(30_000, 1);
        stop.abort();
        yield buildBytes(30_000, 2);
      };
      const put = store.put({ ...place, signal: stop.signal }, { sizeBytes: 60_000, content });
      await assert.rejects(put, { name: 'AbortError' });
      await assertFails(store.head(place), 'no_such_key');
    });

    it('metadata above 2 KiB is refused', async () => {
      const headers = { metadata: { big: 'x'.repeat(2049) } };
      const put = subject.store.put({ bucket: subject.bucket, key: 'objects/meta', headers }, toBody(Buffer.from('x')));
      await assertFails(put, 'store_refused', 'MetadataTooLarge');
    });
  });
}
