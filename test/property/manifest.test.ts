/**
 * I6: the manifest does not depend on listing order, page size or chunks. The oracle is built apart from the code under test: plain
 * objects, sorted by comparing Buffers, each member escaped by a table that was written from the schema.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ETag } from '../../core/ids.ts';
import { buildOrderedPage, buildPage } from '../../manifest/build-page.ts';
import type { ManifestPage } from '../../manifest/build-page.ts';
import { compareUtf8 } from '../../core/utf8-order.ts';
import { compareDescriptors } from '../../manifest/descriptor.ts';
import type { Descriptor } from '../../manifest/descriptor.ts';
import { ManifestDigest } from '../../manifest/digest.ts';
import { foldPages } from '../../manifest/fold-pages.ts';
import { mergeJoin } from '../../manifest/merge-join.ts';
import { parseDescriptors } from '../../manifest/parse-descriptors.ts';
import { parseManifest } from '../../manifest/parse-manifest.ts';
import { printDescriptor } from '../../manifest/print-descriptor.ts';
import { printManifest } from '../../manifest/print-manifest.ts';

const RUN_ID = '2026-04-08T00:00:00Z';

/** Characters that order and escaping trip over, and any other. */
const character = fc.oneof(
  fc.constantFrom(
    'a',
    'b',
    '/',
    '.',
    '"',
    '\\',
    '\n',
    '\u0001',
    '\u007f',
    '\u00e9',
    '\u2028',
    '\ud7ff',
    '\ue000',
    '\uffff',
    '\u{10000}',
    '\u{1f600}',
  ),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
);
const text = fc.array(character, { minLength: 1, maxLength: 6 }).map((characters) => characters.join(''));
const descriptor: fc.Arbitrary<Descriptor> = fc
  .record({
    bucket: fc.constantFrom('b', 'b-1', 'b1'),
    // Few keys, so that versions of one key meet.
    key: fc.oneof(fc.constantFrom('k', 'k/'), text),
    etag: text as fc.Arbitrary<ETag>,
    sizeBytes: fc.maxSafeNat(),
    versionId: fc.option(text, { nil: undefined }),
  })
  .map(({ versionId, ...rest }) => (versionId === undefined ? rest : { ...rest, versionId }));
const descriptors = fc.uniqueArray(descriptor, {
  maxLength: 30,
  selector: ({ bucket, key, versionId }) => JSON.stringify([bucket, key, versionId]),
});

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};
const escape = (value: string): string =>
  `"${[...value].map((c) => SHORT[c] ?? (c < ' ' ? `\\u00${c.charCodeAt(0).toString(16).padStart(2, '0')}` : c)).join('')}"`;

function oracle(objects: readonly Descriptor[]): string {
  const sortKey = (o: Descriptor) => [o.bucket, o.key, ...(o.versionId === undefined ? [] : [o.versionId])];
  const sorted = [...objects].sort((x, y) => {
    const [xs, ys] = [sortKey(x), sortKey(y)];
    for (let i = 0; i < Math.min(xs.length, ys.length); i++) {
      const order = Buffer.compare(Buffer.from(xs[i] ?? ''), Buffer.from(ys[i] ?? ''));
      if (order !== 0) return order;
    }
    return xs.length - ys.length;
  });
  const lines = sorted.map((o) => {
    const members: Record<string, string> = {
      size: String(o.sizeBytes),
      key: escape(o.key),
      etag: escape(o.etag),
      bucket: escape(o.bucket),
    };
    if (o.versionId !== undefined) members['version_id'] = escape(o.versionId);
    const names = Object.keys(members).sort();
    return `{${names.map((name) => `"${name}":${members[name] ?? ''}`).join(',')}}`;
  });
  return `{"objects":[${lines.join(',')}],"run_id":"${RUN_ID}","schema":"etl/manifest/v1"}`;
}

async function* stream<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

async function print(objects: readonly Descriptor[]): Promise<string> {
  const bodies = [...objects].sort(compareDescriptors).map((object) => Buffer.from(printDescriptor(object)));
  const parts: Uint8Array[] = [];
  for await (const part of printManifest(RUN_ID, stream(bodies))) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

test('I6: whatever the order of the input, the bytes are those of an independent implementation', async () => {
  await fc.assert(
    fc.asyncProperty(
      descriptors.chain((objects) =>
        fc.tuple(fc.constant(objects), fc.shuffledSubarray(objects, { minLength: objects.length })),
      ),
      async ([objects, shuffled]) => {
        const expected = oracle(objects);
        assert.equal(await print(shuffled), expected);
        assert.deepEqual(JSON.parse(JSON.stringify(JSON.parse(expected))), JSON.parse(await print(objects)));
      },
    ),
  );
});

test('what was printed is read back, one descriptor, one body or a whole manifest', async () => {
  await fc.assert(
    fc.asyncProperty(descriptors, async (objects) => {
      const sorted = [...objects].sort(compareDescriptors);
      assert.deepEqual(parseDescriptors(Buffer.from(sorted.map(printDescriptor).join(','))), sorted);
      assert.deepEqual(parseManifest(Buffer.from(await print(objects))), { runId: RUN_ID, objects: sorted });
    }),
  );
});

test('I6: pages and chunks of any size give the same two hashes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(text, { minLength: 1, maxLength: 40 }),
      fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
      fc.integer({ min: 1, max: 12 }),
      async (keys, pageSizes, chunkObjects) => {
        const objects = keys
          .map((key): Descriptor => ({ bucket: 'b', etag: 'e' as ETag, key, sizeBytes: key.length }))
          .sort(compareDescriptors);
        const pages: ManifestPage[] = [];
        for (let at = 0, n = 0; at < objects.length; n++) {
          const size = pageSizes[n % pageSizes.length] ?? 1;
          const entries = objects
            .slice(at, at + size)
            .map((o) => ({ key: o.key, sizeBytes: o.sizeBytes, descriptor: printDescriptor(o) }));
          const page = buildPage(entries);
          if (page) pages.push(page);
          at += size;
        }
        const digest = new ManifestDigest(RUN_ID);
        let count = 0;
        for await (const chunk of foldPages(stream(pages), chunkObjects)) {
          assert.equal(parseDescriptors(chunk.body).length, chunk.objects);
          digest.addBody(chunk.body);
          count += chunk.objects;
        }
        const expected = oracle(objects);
        const { hash, contentHash, manifestBytes } = digest.finish();
        assert.equal(count, objects.length);
        assert.equal(hash, createHash('sha256').update(expected).digest('hex'));
        assert.equal(
          contentHash,
          createHash('sha256')
            .update(expected.slice('{"objects":'.length, expected.lastIndexOf(',"run_id"')))
            .digest('hex'),
        );
        assert.equal(manifestBytes, Buffer.byteLength(expected));
      },
    ),
  );
});

test('a join of any three streams, cut anywhere, agrees with a map', async () => {
  const side = fc.tuple(fc.uniqueArray(text, { maxLength: 20 }), fc.integer({ min: 1, max: 6 }));
  await fc.assert(
    fc.asyncProperty(side, side, side, async (...sides) => {
      const expected = new Map<string, boolean[]>();
      const arrays = sides.map(([keys, size], index) => {
        const sorted = [...keys].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
        for (const key of sorted) {
          const held = expected.get(key) ?? [false, false, false];
          held[index] = true;
          expected.set(key, held);
        }
        return Array.from({ length: Math.ceil(sorted.length / size) }, (_, n) =>
          sorted.slice(n * size, (n + 1) * size),
        );
      });
      const self = (key: string): string => key;
      const [a = [], b = [], c = []] = arrays;
      const joined: [string, boolean[]][] = [];
      for await (const rows of mergeJoin(stream(a), stream(b), stream(c), self, self, self)) {
        for (const row of rows) joined.push([row.key, [row.a, row.b, row.c].map((item) => item !== undefined)]);
      }
      const order = [...expected].sort(([x], [y]) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
      assert.deepEqual(joined, order);
    }),
  );
});

test('a page that is printed at once is the page that is printed one by one', () => {
  const object = fc.record({
    key: fc.oneof(text, fc.constantFrom('\\ud800', '\ud800', 'a\udfffb', '\\\\ud83d')),
    etag: text as fc.Arbitrary<ETag>,
    sizeBytes: fc.oneof(fc.maxSafeNat(), fc.constantFrom(-1, 0.5, 2 ** 53)),
  });
  const failureOf = (build: () => unknown): unknown => {
    try {
      return build();
    } catch (error) {
      return (error as { type?: unknown }).type;
    }
  };
  let pages = 0;
  fc.assert(
    fc.property(fc.uniqueArray(object, { maxLength: 8, selector: ({ key }) => key }), (objects) => {
      objects.sort((a, b) => compareUtf8(a.key, b.key));
      const oneByOne = failureOf(() =>
        buildPage(objects.map((each) => ({ ...each, descriptor: printDescriptor({ bucket: 'b', ...each }) }))),
      );
      if (typeof oneByOne === 'object' && oneByOne !== null) pages += 1;
      assert.deepEqual(
        failureOf(() => buildOrderedPage('b', objects)),
        oneByOne,
      );
    }),
    { numRuns: 1000 },
  );
  // About 70.
  assert.ok(pages > 10, String(pages));
});
