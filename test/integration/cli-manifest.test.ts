import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runWaybill } from '../support/run-waybill.ts';

const line = (key: string, size = 1): string =>
  `${JSON.stringify({ bucket: 'b', key, size, etag: '"e"', storage_class: 'COLD' })}\n`;
const EXPECTED =
  '{"objects":[{"bucket":"b","etag":"e","key":"a","size":1},{"bucket":"b","etag":"e","key":"z","size":2}],"run_id":"r","schema":"etl/manifest/v1"}';

test('waybill manifest prints the canonical bytes, or their hash, from stdin and from a file', async () => {
  const input = [line('z', 2), '\n', line('a')];
  const printed = await runWaybill(['manifest', '--run-id', 'r'], { input });
  assert.deepEqual([printed.code, printed.stdout, printed.stderr], [0, EXPECTED, '']);

  const directory = await mkdtemp(join(tmpdir(), 'cli-manifest-'));
  try {
    await writeFile(join(directory, 'in.jsonl'), input.join(''));
    const hashed = await runWaybill(['manifest', '--hash', join(directory, 'in.jsonl')], {
      env: { WAYBILL_RUN_ID: 'r' },
    });
    assert.deepEqual([hashed.code, hashed.stdout], [0, `${createHash('sha256').update(EXPECTED).digest('hex')}\n`]);
    const unreadable = await runWaybill(['manifest', '--run-id', 'r', directory]);
    assert.notEqual(unreadable.code, 0);
    assert.match(unreadable.stderr, /^waybill: .*EISDIR[^]*\nhint: .*path/);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('a line that does not parse ends with 2, its number on stderr and nothing on stdout', async () => {
  const { code, stdout, stderr } = await runWaybill(['manifest', '--run-id', 'r'], {
    input: [line('a'), line('b'), '{"bucket":"b"}\n', line('c')],
  });
  assert.deepEqual([code, stdout], [2, '']);
  assert.match(stderr, /^waybill: line 3: expected "key"/);
});

test('a manifest without a run_id, or of a file that is not there, is a usage error', async () => {
  const nameless = await runWaybill(['manifest']);
  assert.deepEqual([nameless.code, nameless.stdout], [2, '']);
  assert.match(nameless.stderr, /^waybill: .*--run-id/);
  const missing = await runWaybill(['manifest', '--run-id', 'r', '/no/such/file']);
  assert.deepEqual([missing.code, missing.stdout], [2, '']);
  assert.match(missing.stderr, /^waybill: cannot read \/no\/such\/file/);
});

test('a million descriptors in no order stay under 200 MB, a reader that leaves early is no failure, and no file is left', async () => {
  const scratch = await mkdtemp(join(tmpdir(), 'cli-scratch-'));
  function* descriptors(): Generator<string> {
    for (let n = 0; n < 1_000_000; n += 1000) {
      const keys = Array.from(
        { length: 1000 },
        (_, i) => `data/2026/04/08/part-${String(((n + i) * 7_368_787) % 1_000_000).padStart(9, '0')}.json`,
      );
      yield keys.map((key) => line(key, n)).join('');
    }
  }
  try {
    const ended = await runWaybill(['manifest', '--run-id', 'r'], {
      input: descriptors(),
      env: { TMPDIR: scratch },
      reportPeak: true,
      leaveAfterBytes: 1000,
    });
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(
      ended.stdout,
      /^\{"objects":\[\{"bucket":"b","etag":"e","key":"data\/2026\/04\/08\/part-000000000.json"/,
    );
    assert.ok(ended.peakBytes > 0 && ended.peakBytes < 200e6, `${String(ended.peakBytes)} bytes at the peak`);
    assert.deepEqual(
      (await readdir(scratch)).filter((name) => name.startsWith('waybill-')),
      [],
    );
  } finally {
    await rm(scratch, { recursive: true });
  }
});
