import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { OutcomeCode } from '../../core/outcomes.ts';
import type { ETag } from '../../core/ids.ts';
import { compareUtf8 } from '../../core/utf8-order.ts';
import type { StepKey } from '../../ledger/ledger.ts';
import { printDescriptor } from '../../manifest/print-descriptor.ts';
import {
  beginRun,
  buildDelivery,
  buildSpec,
  createLedgerFixture,
  toHash,
  type LedgerFixture,
} from '../support/ledger-fixtures.ts';

let fixture: LedgerFixture;
before(async () => {
  fixture = await createLedgerFixture();
});
after(() => fixture.close());

const toKey = (ordinal: number): StepKey => ({ manifestHash: toHash('m'), step: 'copy', ordinal });
const TRAFFIC = {
  'a/GetObject': { requests: 2, bytesIn: 20, bytesOut: 0 },
  'b/PutObject': { requests: 2, bytesIn: 0, bytesOut: 20 },
};

test('a step that is committed twice counts once, and its first result stays', async () => {
  const { ledger, sql } = fixture;
  const { fence } = await beginRun(ledger, 'twice', 'r1');
  const effects = {
    deliveries: [buildDelivery('k1'), buildDelivery('k2')],
    traffic: TRAFFIC,
    outcomes: [{ key: 'k3', code: 'access_denied' as const, detail: 'no' }],
  };
  assert.equal(await ledger.loadStep(fence, toKey(0)), null);
  await ledger.claimStep(fence, toKey(0), 'h1');
  await ledger.commitStep(fence, toKey(0), 'h1', { copied: 2 }, effects);
  await ledger.commitStep(fence, toKey(0), 'h1', { copied: 2 }, effects);
  const others = { ...effects, deliveries: [buildDelivery('k1', 'other')] };
  await assert.rejects(ledger.commitStep(fence, toKey(0), 'h2', { copied: 9 }, others), { type: 'heartbeat_lost' });
  await assert.rejects(ledger.releaseStep(fence, toKey(0), 'h2', others), { type: 'heartbeat_lost' });
  assert.deepEqual(await ledger.loadStep(fence, toKey(0)), { copied: 2 });
  const progress = await ledger.loadProgress(fence.attemptId);
  assert.deepEqual(progress, { traffic: TRAFFIC, outcomes: { access_denied: 1 } });
  assert.equal((await ledger.loadDeliveries(fence.targetId ?? '', ['k1'])).get('k1')?.sourceEtag, 'e1');
  assert.deepEqual(await sql('select 1 from claim where attempt = $1', [fence.attemptId]), []);
});

test('ten commits of one step at once count once; ten steps at once all count', async () => {
  const { ledger } = fixture;
  const { fence } = await beginRun(ledger, 'parallel', 'r1');
  for (let ordinal = 0; ordinal <= 10; ordinal++) await ledger.claimStep(fence, toKey(ordinal), 'h');
  await Promise.all(
    Array.from({ length: 10 }, () => ledger.commitStep(fence, toKey(0), 'h', {}, { traffic: TRAFFIC })),
  );
  await Promise.all(
    Array.from({ length: 10 }, (_, index) => ledger.commitStep(fence, toKey(index + 1), 'h', {}, { traffic: TRAFFIC })),
  );
  const { traffic } = await ledger.loadProgress(fence.attemptId);
  assert.deepEqual(traffic['a/GetObject'], { requests: 22, bytesIn: 220, bytesOut: 0 });
});

test('what a failed execution has to show is counted once, also when its commit had gone through unnoticed', async () => {
  const { ledger, sql } = fixture;
  const { fence } = await beginRun(ledger, 'released', 'r1');
  await ledger.claimStep(fence, toKey(0), 'h1');
  await ledger.releaseStep(fence, toKey(0), 'h1', { traffic: TRAFFIC, deliveries: [buildDelivery('k1')] });
  await ledger.releaseStep(fence, toKey(0), 'h1', { traffic: TRAFFIC });
  assert.equal(await ledger.loadStep(fence, toKey(0)), null);
  await ledger.claimStep(fence, toKey(0), 'h2');
  await ledger.commitStep(fence, toKey(0), 'h2', {}, { traffic: TRAFFIC });
  await ledger.releaseStep(fence, toKey(0), 'h2', { traffic: TRAFFIC });
  assert.equal((await ledger.loadProgress(fence.attemptId)).traffic['a/GetObject']?.requests, 4);
  assert.deepEqual(await sql('select 1 from claim where attempt = $1', [fence.attemptId]), []);
});

test('an execution that was overtaken commits nothing and does not take back the claim of its successor', async () => {
  const { ledger, sql } = fixture;
  const { fence } = await beginRun(ledger, 'overtaken', 'r1');
  await ledger.claimStep(fence, toKey(0), 'h1');
  await ledger.claimStep(fence, toKey(0), 'h2');
  const late = { traffic: TRAFFIC, deliveries: [buildDelivery('k1')] };
  await assert.rejects(ledger.releaseStep(fence, toKey(0), 'h1', late), { type: 'heartbeat_lost' });
  await assert.rejects(ledger.commitStep(fence, toKey(0), 'h1', { copied: 1 }, late), { type: 'heartbeat_lost' });
  assert.deepEqual(await sql('select holder from claim where attempt = $1', [fence.attemptId]), [{ holder: 'h2' }]);
  assert.deepEqual(await ledger.loadProgress(fence.attemptId), { traffic: {}, outcomes: {} });
  assert.equal((await ledger.loadDeliveries(fence.targetId ?? '', ['k1'])).size, 0);
  assert.equal(await ledger.loadStep(fence, toKey(0)), null);
});

test('a step of one attempt is no step of the next', async () => {
  const { ledger } = fixture;
  const first = await beginRun(ledger, 'next', 'r1');
  await ledger.claimStep(first.fence, toKey(0), 'h');
  await ledger.commitStep(first.fence, toKey(0), 'h', { n: 1 }, {});
  await ledger.endAttempt(first.fence, { state: 'failed' });
  const second = await beginRun(ledger, 'next', 'r1');
  assert.equal(second.number, 2);
  assert.equal(await ledger.loadStep(second.fence, toKey(0)), null);
});

test('deliveries are one current row of a key, in the order of UTF-8 bytes', async () => {
  const { ledger } = fixture;
  const { fence } = await beginRun(ledger, 'order', 'r1');
  const targetId = fence.targetId ?? '';
  const keys = ['a', 'a/', 'a b', 'A', 'é', 'e\u0301', '\uffee', '\u{1f600}', '\ud7ff', 'z\u0001', '%2F', '"{},\\'];
  await ledger.saveEffects(fence, { deliveries: keys.map((key) => buildDelivery(key)) });
  await ledger.saveEffects(fence, {
    deliveries: [buildDelivery('a', 'e2'), { ...buildDelivery('a', 'e3'), sourceVersion: 'v', sizeBytes: 5 * 2 ** 40 }],
  });
  const sorted = [...keys].sort(compareUtf8);
  const read = await ledger.readDeliveries(targetId, null, 100);
  assert.deepEqual(
    read.map(({ key }) => key),
    sorted,
  );
  const middle = sorted[5] ?? '';
  const rest = await ledger.readDeliveries(targetId, middle, 3);
  assert.deepEqual(
    rest.map(({ key }) => key),
    sorted.slice(6, 9),
  );
  assert.deepEqual((await ledger.loadDeliveries(targetId, ['a', 'none'])).get('a'), {
    ...buildDelivery('a', 'e3'),
    sourceVersion: 'v',
    sizeBytes: 5 * 2 ** 40,
  });
  assert.equal(await ledger.findTarget(toHash('target of order')), targetId);
  assert.equal(await ledger.findTarget(toHash('nobody')), null);
});

test('deliveries between two keys are told in a manifest’s words', async () => {
  const { ledger } = fixture;
  const { fence } = await beginRun(ledger, 'told', 'r1');
  const targetId = fence.targetId ?? '';
  const keys = ['a', 'a b', '"{},\\\\', 'é\u0001\n\t\b\f\r', '\u007f\u2028', '/\u{1f600}\uffee', '\\\\ud800', 'z'].sort(
    compareUtf8,
  );
  const etags = keys.map((_, index) => `e"${String(index)}\\\\`);
  const deliveries = keys.map((key, index) => ({
    ...buildDelivery(`ü😀/${key}`, etags[index]),
    sizeBytes: 2 ** 40 + index,
  }));
  await ledger.saveEffects(fence, { deliveries });
  const range = {
    after: null as string | null,
    until: deliveries.at(-2)?.key ?? null,
    objectsMax: keys.length - 1,
    bucket: 'b"é',
    sourcePrefix: 'from "ß"/',
    targetPrefix: 'ü😀/',
  };
  const print = (tag: string, more: object = {}): string =>
    keys
      .slice(0, -1)
      .map((key, index) => {
        const etag = `${tag}${etags[index] ?? ''}` as ETag;
        return printDescriptor({
          bucket: 'b"é',
          etag,
          key: `from "ß"/${key}`,
          sizeBytes: 2 ** 40 + index,
          ...(index === 1 ? more : {}),
        });
      })
      .join(',');
  const toSha256 = (text: string): string => hash('sha256', text, 'hex');
  const text = print('');
  assert.deepEqual(await ledger.readDeliveredText(targetId, range), {
    objects: keys.length - 1,
    sourceSha256: toSha256(text),
    targetText: null,
  });
  assert.equal(await ledger.readDeliveredText(targetId, { ...range, objectsMax: keys.length - 2 }), null);
  const nothing = { objects: 0, sourceSha256: toSha256(''), targetText: null };
  assert.deepEqual(await ledger.readDeliveredText(targetId, { ...range, after: 'x', until: 'y' }), nothing);

  await ledger.saveEffects(fence, {
    deliveries: deliveries.map((one, index) => ({
      ...one,
      targetEtag: `t${one.targetEtag}`,
      sourceVersion: index === 1 ? 'v"1' : null,
    })),
  });
  const told = await ledger.readDeliveredText(targetId, range);
  assert.equal(told?.sourceSha256, toSha256(print('', { versionId: 'v"1' })));
  assert.equal(told.targetText, print('t', { versionId: 'v"1' }));

  const [after, until] = [deliveries[1]?.key ?? '', deliveries[4]?.key ?? ''];
  const part = await ledger.readDeliveredText(targetId, { ...range, after, until });
  assert.equal(part?.objects, 3);
  const read = await ledger.readDeliveries(targetId, after, 10, until);
  assert.deepEqual(
    read.map(({ key }) => key),
    deliveries.slice(2, 5).map(({ key }) => key),
  );

  await ledger.saveEffects(fence, { forgotten: [after, 'none'] });
  const left = await ledger.readDeliveries(targetId, null, 100);
  assert.deepEqual(
    left.map(({ key }) => key),
    deliveries.filter(({ key }) => key !== after).map(({ key }) => key),
  );
});

test('text that Postgres cannot hold is refused before it gets there, wherever it stands', async () => {
  const { ledger } = fixture;
  const { fence } = await beginRun(ledger, 'text', 'r1');
  const targetId = fence.targetId ?? '';
  for (const key of ['a\0b', '\ud800', 'x\udc00y']) {
    const refused = { type: 'unsupported_key' };
    await assert.rejects(
      ledger.saveEffects(fence, { deliveries: [buildDelivery('fine'), buildDelivery(key)] }),
      refused,
    );
    await assert.rejects(ledger.saveEffects(fence, { outcomes: [{ key, code: 'store_error', detail: '' }] }), refused);
    await assert.rejects(ledger.loadDeliveries(targetId, [key]), refused);
    await assert.rejects(ledger.readDeliveries(targetId, key, 1), refused);
    await assert.rejects(ledger.loadUpload(targetId, key), refused);
  }
  assert.deepEqual(await ledger.readDeliveries(targetId, null, 10), []);
});

test('objects of a run are paged by key, all of them or by outcome', async () => {
  const { ledger } = fixture;
  const { fence, runUuid } = await beginRun(ledger, 'objects', 'r1');
  const outcome = (key: string, code: OutcomeCode) => ({ key, code, detail: `why ${key}` });
  await ledger.saveEffects(fence, {
    deliveries: ['b', 'd', 'f'].map((key) => buildDelivery(key)),
    outcomes: [
      outcome('a', 'source_changed'),
      outcome('b', 'orphan'),
      outcome('c', 'source_changed'),
      outcome('e', 'source_changed'),
    ],
  });
  const read = async (of?: OutcomeCode | 'copied'): Promise<string[]> => {
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await ledger.listObjects({
        id: runUuid,
        limit: 2,
        ...(of === undefined ? {} : { outcome: of }),
        ...(cursor === undefined ? {} : { cursor }),
      });
      assert.ok(page.items.length <= 2);
      seen.push(...page.items.map(({ key, outcome: code }) => `${key} ${code}`));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return seen;
  };
  assert.deepEqual(await read('copied'), ['b copied', 'd copied', 'f copied']);
  assert.deepEqual(await read('source_changed'), ['a source_changed', 'c source_changed', 'e source_changed']);
  assert.deepEqual(await read(), [
    'a source_changed',
    'b copied',
    'b orphan',
    'c source_changed',
    'd copied',
    'e source_changed',
    'f copied',
  ]);
  await assert.rejects(ledger.listObjects({ id: runUuid, limit: 2, cursor: 'AAAA' }), { type: 'invalid_request' });
});

test('an upload is known until it is closed; another of the same key replaces it', async () => {
  const { ledger } = fixture;
  const { fence } = await beginRun(ledger, 'uploads', 'r1');
  const targetId = fence.targetId ?? '';
  const { store, bucket, prefix } = buildSpec('uploads').target;
  const upload = {
    uploadId: 'u1',
    location: { store, bucket, prefix },
    key: 'in/big',
    sourceEtag: 'e',
    layout: { sizeBytes: 20, partSizeBytes: 10, parts: 2 },
  };
  const part = (partNumber: number) => ({
    partNumber,
    etag: `p${String(partNumber)}`,
    sizeBytes: 10,
    hashState: Buffer.from([1, 0, 2]),
  });
  await ledger.openUpload(fence, upload);
  await ledger.openUpload(fence, upload);
  assert.deepEqual(await ledger.loadUpload(targetId, 'in/big'), upload);
  await ledger.saveParts(fence, 'u1', [part(2)]);
  await ledger.saveParts(fence, 'u1', [part(1), part(2)]);
  assert.deepEqual(await ledger.loadParts('u1'), [part(1), part(2)]);
  assert.deepEqual(await ledger.listOpenUploads({ attemptId: fence.attemptId }), [upload]);
  assert.deepEqual(await ledger.listOpenUploads({ deadOnly: true }), []);

  await ledger.openUpload(fence, { ...upload, uploadId: 'u2' });
  assert.deepEqual(await ledger.loadParts('u1'), []);
  await assert.rejects(ledger.saveParts(fence, 'u1', [part(1)]), { type: 'no_such_upload' });
  await ledger.settleDeadAttempt(fence.attemptId, { type: 'terminated', message: '' });
  assert.deepEqual(await ledger.listOpenUploads({ deadOnly: true }), [{ ...upload, uploadId: 'u2' }]);
  // Its executions may not know yet.
  assert.deepEqual(await ledger.listOpenUploads({ deadOnly: true, quietMs: 60_000 }), []);

  // A successor's target is its own again, with the upload that it may resume.
  const next = await beginRun(ledger, 'uploads', 'r2');
  assert.deepEqual(await ledger.listOpenUploads({ deadOnly: true }), []);
  assert.equal((await ledger.loadUpload(targetId, 'in/big'))?.uploadId, 'u2');
  await ledger.closeUpload(next.fence, 'u2');
  await ledger.closeUpload(next.fence, 'u2');
  await ledger.forgetUpload('u2');
  assert.equal(await ledger.loadUpload(targetId, 'in/big'), null);
});
