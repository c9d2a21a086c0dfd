/** An object in parts that the store is to copy by itself, and does not: what was begun over its bytes is not lost by asking again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyMultipart } from '../../activities/copy/copy-multipart.ts';
import { copyPartsWithin } from '../../activities/copy/copy-parts-within.ts';
import type { Transfer } from '../../activities/copy/transfer.ts';
import type { CopyAction } from '../../activities/plan/action.ts';
import { WaybillError } from '../../core/failures.ts';
import { MiB } from '../../core/limits.ts';
import type { DeliveryRecord } from '../../ledger/ledger.ts';
import type { Store } from '../../stores/store.ts';
import { catchFailure } from '../support/catch-failure.ts';
import { createCopyGround, type CopyGround } from '../support/copy-ground.ts';
import { buildBytes } from '../support/store-bytes.ts';

const PART = 8 * MiB;
const BYTES = buildBytes(9 * PART + 5, 3);
const PARTS = 10;

/** An object that was uploaded in parts, as the plan would have it. */
async function putInParts({ source }: CopyGround): Promise<CopyAction> {
  const { uploadId } = await source.createUpload({ bucket: 'source', key: 'key', headers: { metadata: {} } });
  const upload = { bucket: 'source', key: 'key', uploadId };
  const parts = [];
  for (let partNumber = 1; partNumber <= PARTS; partNumber++) {
    const content = BYTES.subarray((partNumber - 1) * PART, partNumber * PART);
    const { etag } = await source.uploadPart(upload, partNumber, { sizeBytes: content.byteLength, content });
    parts.push({ partNumber, etag });
  }
  const { etag } = await source.completeUpload(upload, parts);
  return { op: 'copy', key: 'key', sizeBytes: BYTES.byteLength, etag, expected: { absent: true } };
}

/** As the first step of a large object does it. */
async function copy(transfer: Transfer, action: CopyAction): Promise<DeliveryRecord> {
  transfer.within.isOffered = true;
  return (await copyPartsWithin(transfer, action)) ?? (await copyMultipart(transfer, action));
}

test('where the store refuses to copy parts, a later execution goes on with the parts that were sent', async () => {
  const sent: number[] = [];
  let aborted = 0;
  let isDown = true;
  const ground = await createCopyGround({
    source: () => ({ measureFirstPart: () => Promise.resolve(PART) }),
    target: (store: Store) => ({
      copyPart: () => Promise.reject(new WaybillError('not_implemented', 'no copies of parts here')),
      abortUpload(upload) {
        aborted += 1;
        return store.abortUpload(upload);
      },
      uploadPart(upload, partNumber, body) {
        if (isDown && partNumber === PARTS) return Promise.reject(new WaybillError('access_denied', 'on purpose'));
        sent.push(partNumber);
        return store.uploadPart(upload, partNumber, body);
      },
    }),
  });
  const action = await putInParts(ground);
  await catchFailure('access_denied', copy(ground.begin(), action));
  assert.equal(aborted, 1, 'the upload that was to be copied within the store');
  assert.deepEqual(
    sent.sort((a, b) => a - b),
    [1, 2, 3, 4, 5, 6, 7, 8, 9],
  );

  isDown = false;
  sent.length = 0;
  const delivered = await copy(ground.begin(), action);
  assert.equal(aborted, 1);
  assert.deepEqual(sent, [PARTS]);
  assert.equal(delivered.targetEtag, action.etag);
  assert.ok((await ground.readTarget('key')).equals(BYTES));
});

test('an upload that was begun over its bytes is gone on with by them, also where none of its parts was recorded', async () => {
  let offers = false;
  let isDown = true;
  let copied = 0;
  const created: (string | undefined)[] = [];
  const ground = await createCopyGround({
    proof: 'crc',
    source: () => ({ measureFirstPart: () => Promise.resolve(PART) }),
    target: (store: Store) => ({
      copyPart({ partNumber }) {
        if (!offers) return Promise.reject(new WaybillError('access_denied', 'not yet'));
        copied += 1;
        const content = BYTES.subarray((partNumber - 1) * PART, partNumber * PART);
        const upload = { bucket: 'target', key: 'key', uploadId: [...ground.uploads.keys()].at(-1) ?? '' };
        return store.uploadPart(upload, partNumber, { sizeBytes: content.byteLength, content });
      },
      createUpload(request) {
        created.push(request.checksum?.algorithm);
        return store.createUpload(request);
      },
      uploadPart(upload, partNumber, body) {
        if (isDown) return Promise.reject(new WaybillError('access_denied', 'on purpose'));
        return store.uploadPart(upload, partNumber, body);
      },
    }),
  });
  const action = await putInParts(ground);
  await catchFailure('access_denied', copy(ground.begin(), action));
  assert.deepEqual(created, [undefined, 'CRC64NVME']);
  offers = true;
  isDown = false;
  const delivered = await copy(ground.begin(), action);
  assert.equal(copied, 0);
  assert.equal(created.length, 2, 'it is the same upload');
  assert.match(delivered.checksum, /^crc64nvme:/);
  assert.ok((await ground.readTarget('key')).equals(BYTES));
});
