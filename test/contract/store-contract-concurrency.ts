import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { buildBytes, toBody, toMd5 } from '../support/store-bytes.ts';
import { drain } from '../support/store-drain.ts';
import { isWaybillError } from '../../core/failures.ts';
import type { Subject } from './store-contract.ts';

const NONE = { metadata: {} };

export function describeConcurrency(subject: Subject): void {
  describe('concurrency', () => {
    for (const sizeBytes of [2000, 400_000]) {
      it(`readers see one of the versions of ${String(sizeBytes)} bytes whole while writers replace and delete`, async () => {
        const { store, bucket } = subject;
        const place = { bucket, key: `concurrency/${String(sizeBytes)}` };
        const versions = Array.from({ length: 4 }, (_, index) => buildBytes(sizeBytes - index, index));
        const known = new Set(versions.map(toMd5));
        let writing = true;
        const write = async (): Promise<void> => {
          for (let round = 0; round < 24; round++) {
            await store.put({ ...place, headers: NONE }, toBody(versions[round % 4] as Buffer));
            if (round % 7 === 6) {
              await store.delete(place);
            }
          }
        };
        let reads = 0;
        const readOn = async (): Promise<void> => {
          while (writing) {
            // A store may answer without waiting for anything; the writers need their turns.
            await nextTurn();
            try {
              const { info, body } = await store.get(place);
              const bytes = await drain(body);
              assert.equal(toMd5(bytes), info.etag);
              assert.ok(known.has(info.etag));
              reads += 1;
            } catch (error) {
              assert.ok(isWaybillError(error) && error.type === 'no_such_key', String(error));
            }
          }
        };
        const readers = [readOn(), readOn()];
        await Promise.all([write(), write()]);
        writing = false;
        await Promise.all(readers);
        assert.ok(reads > 0, 'no read fell among the writes');
      });
    }

    it('a get that began before the object was replaced and deleted returns the old bytes whole', async () => {
      const { store, bucket } = subject;
      const place = { bucket, key: 'concurrency/begun' };
      const bytes = buildBytes(1_500_000, 9);
      await store.put({ ...place, headers: NONE }, toBody(bytes));
      const body = (await store.get(place)).body[Symbol.asyncIterator]();
      const first = await body.next();
      await store.put({ ...place, headers: NONE }, toBody(Buffer.from('new')));
      await store.delete(place);
      const chunks = first.done === true ? [] : [first.value];
      for (let next = await body.next(); next.done !== true; next = await body.next()) {
        chunks.push(next.value);
      }
      assert.ok(Buffer.concat(chunks).equals(bytes));
    });

    it('concurrent puts of many keys are all there', async () => {
      const { store } = subject;
      const bucket = await subject.freshBucket();
      const keys = Array.from({ length: 64 }, (_, index) => `k${String(index).padStart(3, '0')}`);
      await Promise.all(keys.map((key) => store.put({ bucket, key, headers: NONE }, toBody(Buffer.from(key)))));
      const { objects } = await store.list({ bucket });
      assert.deepEqual(
        objects.map((object) => [object.key, object.etag]),
        keys.map((key) => [key, toMd5(Buffer.from(key))]),
      );
    });
  });
}
