/** Records on disk: those of before checksums and part numbers were kept are read, and those of now are small. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { ETag } from '../../core/ids.ts';
import { createFilesystemStore } from '../../stores/filesystem/create-filesystem-store.ts';
import type { FilesystemStore } from '../../stores/filesystem/create-filesystem-store.ts';
import { ObjectIndex } from '../../stores/filesystem/object-index.ts';
import { parseObjectRecord, printObjectRecord } from '../../stores/filesystem/records.ts';
import { toMultipartEtag } from '../../stores/rules/multipart-etag.ts';
import { buildBytes, toChecksum, toMd5 } from '../support/store-bytes.ts';
import { drain } from '../support/store-drain.ts';
import { assertFails } from '../support/store-failure.ts';
import { createScratchDirectory } from '../support/store-scratch.ts';

const ONE = buildBytes(20_000, 1);
const TWO = buildBytes(30_000, 2);
const UPLOAD = 'ab'.repeat(16);
const COMPLETED = 'cd'.repeat(16);
const IDS = ['0', '1', '2'].map((digit) => `0123456789ab000000000${digit}`);
const MULTIPART = toMultipartEtag([toMd5(ONE), toMd5(TWO)]);

describe('records of the directory store', () => {
  let root = '';
  let removeRoot = async (): Promise<void> => undefined;
  let store: FilesystemStore;

  /** A store as version 0.1 left it: a small object, one of two parts, an open upload with a part, a completed upload. */
  beforeEach(async () => {
    const scratch = await createScratchDirectory();
    root = scratch.path;
    removeRoot = scratch.remove;
    await mkdir(join(root, 'data', '00'), { recursive: true });
    for (const [index, bytes] of [ONE, TWO, ONE].entries()) {
      await writeFile(join(root, 'data', '00', IDS[index] ?? ''), bytes);
    }
    const index = await ObjectIndex.open(join(root, 'index'));
    const records: Record<string, unknown> = {
      v: { format: 1 },
      bold: { createdMs: 1_760_000_000_000 },
      'oold\0small': { z: 5, e: toMd5(Buffer.from('bytes')), m: 1_760_000_000, d: 'iaa', u: { m: 'v' } },
      'oold\0parts': { z: 50_000, e: MULTIPART, m: 1_760_000_000, d: 'sbb' },
      sbb: [
        { id: IDS[0], sizeBytes: 20_000 },
        { id: IDS[1], sizeBytes: 30_000 },
      ],
      [`uold\0open\0${UPLOAD}`]: {
        key: 'open',
        uploadId: UPLOAD,
        initiatedMs: 1_760_000_000_000,
        headers: { metadata: {} },
        tags: {},
      },
      [`p${UPLOAD}00001`]: { id: IDS[2], sizeBytes: 20_000, etag: toMd5(ONE) },
      [`c${COMPLETED}`]: { bucket: 'old', key: 'parts', etag: MULTIPART, completedMs: Date.now() },
    };
    const changes = Object.entries(records).map(([key, value]) => ({ key, value: JSON.stringify(value) }));
    const marks = IDS.map((id) => ({ key: `d${id}`, value: '' }));
    await index.write([...changes, ...marks, { key: 'iaa', value: Buffer.from('bytes') }], false);
    await index.close();
    store = await createFilesystemStore({ root, fsync: false });
  });
  afterEach(async () => {
    await store.close();
    await removeRoot();
  });

  it('reads objects that have no checksum, and lists them without one', async () => {
    const info = await store.head({ bucket: 'old', key: 'small' });
    assert.deepEqual(info.metadata, { m: 'v' });
    assert.equal('checksum' in info, false);
    const { objects } = await store.list({ bucket: 'old' });
    assert.deepEqual(
      objects.map((object) => [object.key, 'checksum' in object]),
      [
        ['parts', false],
        ['small', false],
      ],
    );
  });

  it('counts the parts of an object from 1 where their numbers were not kept', async () => {
    const place = { bucket: 'old', key: 'parts' };
    const info = await store.head({ ...place, withParts: true });
    assert.equal(info.partCount, 2);
    assert.deepEqual(info.parts, [
      { partNumber: 1, sizeBytes: 20_000 },
      { partNumber: 2, sizeBytes: 30_000 },
    ]);
    assert.ok((await drain((await store.get({ ...place, partNumber: 2 })).body)).equals(TWO));
    assert.ok((await drain((await store.get(place)).body)).equals(Buffer.concat([ONE, TWO])));
  });

  it('completes an upload whose part has no checksum, and refuses to vouch for one', async () => {
    const upload = { bucket: 'old', key: 'open', uploadId: UPLOAD };
    const part = { partNumber: 1, etag: toMd5(ONE) };
    const { algorithm, value } = await toChecksum('CRC64NVME', ONE);
    const checksum = { algorithm, value };
    await assertFails(store.completeUpload(upload, [{ ...part, checksum }]), 'store_refused', 'InvalidPart');
    await assertFails(store.completeUpload({ ...upload, checksum }, [part]), 'store_refused', 'BadDigest');
    assert.deepEqual(await store.completeUpload(upload, [part]), { etag: toMultipartEtag([toMd5(ONE)]) });
    assert.equal('checksum' in (await store.head(upload)), false);
  });

  it('answers the repeat of a completion of that time', async () => {
    const upload = { bucket: 'old', key: 'parts', uploadId: COMPLETED, ifNoneMatch: '*' as const };
    const parts = [ONE, TWO].map((bytes, index) => ({ partNumber: index + 1, etag: toMd5(bytes) }));
    assert.deepEqual(await store.completeUpload(upload, parts), { etag: MULTIPART });
  });

  it('a record of an object says all in 130 bytes when it has neither headers nor tags', async () => {
    const record = {
      sizeBytes: 5 * 2 ** 30,
      etag: toMd5(ONE) as ETag,
      modifiedMs: 1_760_000_000_000,
      data: { kind: 'file', id: IDS[0] ?? '' } as const,
      checksum: await toChecksum('CRC64NVME', ONE),
      headers: {},
      metadata: {},
      tags: {},
    };
    const text = printObjectRecord(record);
    assert.ok(text.length <= 130, text);
    assert.deepEqual(parseObjectRecord(text), record);
  });
});
