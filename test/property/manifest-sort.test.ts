/** I6: `waybill manifest` gives one result for any order of its lines, whether they fit into memory or go through the scratch file. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SpillFile } from '../../cli/manifest/spill-file.ts';
import { sortInput } from '../../cli/manifest/sort-input.ts';
import type { ETag } from '../../core/ids.ts';
import type { Descriptor } from '../../manifest/descriptor.ts';
import { printDescriptor } from '../../manifest/print-descriptor.ts';

const text = fc
  .array(fc.constantFrom('a', 'b', '\0', '\u0001', '\u0002', '"', '\ue000', '\u{1f600}'), { maxLength: 3 })
  .map((c) => c.join(''));
const descriptor: fc.Arbitrary<Descriptor> = fc
  .record({
    bucket: fc.constantFrom('b', 'b-1'),
    key: text.map((t) => `k${t}`),
    versionId: fc.option(text, { nil: undefined }),
  })
  .map(({ versionId, ...rest }) => ({
    ...rest,
    etag: 'e' as ETag,
    sizeBytes: 1,
    ...(versionId === undefined ? {} : { versionId }),
  }));

/** The bytes of each part in turn; a part that ended sorts first. */
function compareParts(a: Descriptor, b: Descriptor): number {
  const parts = (d: Descriptor) =>
    [d.bucket, d.key, ...(d.versionId === undefined ? [] : [d.versionId])].map((part) => Buffer.from(part));
  const [x, y] = [parts(a), parts(b)];
  for (const [index, part] of x.entries()) {
    const other = y[index];
    if (other === undefined) return 1;
    const order = Buffer.compare(part, other);
    if (order !== 0) return order;
  }
  return x.length - y.length;
}

const toLine = ({ bucket, key, etag, sizeBytes: size, versionId: version_id }: Descriptor): string =>
  JSON.stringify({ key, size, version_id, etag: `"${etag}"`, bucket, owner: 'an extra' });

async function sort(lines: string, cut: number, runBytes: number): Promise<string> {
  let opened: Promise<SpillFile> | undefined;
  async function* input(): AsyncGenerator<Uint8Array> {
    const bytes = Buffer.from(lines);
    for (let at = 0; at < bytes.length; at += cut) yield bytes.subarray(at, at + cut);
  }
  try {
    const bodies: string[] = [];
    for await (const body of sortInput(input(), () => (opened ??= SpillFile.create()), runBytes))
      bodies.push(Buffer.from(body).toString());
    return bodies.join(',');
  } finally {
    await (await opened)?.close();
  }
}

test('I6: any order of lines, any cut of the input and any length of a run give the sorted descriptors', async () => {
  const unique = fc.uniqueArray(descriptor, { maxLength: 60, selector: printDescriptor });
  const breaks = fc.constantFrom('\n', '\r\n', '\n\n', '\n  \n');
  await fc.assert(
    fc.asyncProperty(
      unique,
      fc.integer({ min: 1, max: 200 }),
      fc.constantFrom(400, 1000, 100_000),
      breaks,
      async (objects, cut, runBytes, lineBreak) => {
        const expected = [...objects].sort(compareParts).map(printDescriptor).join(',');
        assert.equal(await sort(objects.map(toLine).join(lineBreak), cut, runBytes), expected);
      },
    ),
    { numRuns: 60 },
  );
});

test('thousands of runs are merged in levels', async () => {
  const keys = Array.from({ length: 9000 }, (_, n) => `k${String((n * 7919) % 9000).padStart(5, '0')}`);
  const objects = keys.map((key): Descriptor => ({ bucket: 'b', key, etag: 'e' as ETag, sizeBytes: 1 }));
  const expected = [...objects].sort(compareParts).map(printDescriptor).join(',');
  assert.equal(await sort(objects.map(toLine).join('\n'), 64_000, 400), expected);
});

test('records longer than a buffer of the merge come through whole, and two of one object are seen there too', async () => {
  // Each is a run of its own, and a block of its own when they are merged.
  const keys = ['c', 'a', 'd', 'b'].map((first) => first + 'x'.repeat(300_000));
  const lines = keys.map((key) => toLine({ bucket: 'b', key, etag: 'e' as ETag, sizeBytes: 1 }));
  const sorted = JSON.parse(`[${await sort(lines.join('\n'), 64_000, 1_900_000)}]`) as { key: string }[];
  assert.deepEqual(
    sorted.map((object) => object.key[0]),
    ['a', 'b', 'c', 'd'],
  );
  assert.ok(sorted.every((object) => object.key.length === 300_001));
  await assert.rejects(sort([...lines, lines[1]].join('\n'), 64_000, 1_900_000), { message: /^line 5: .* line 2 has/ });
});
