import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import type { ETag } from '../../core/ids.ts';
import { buildPage } from '../../manifest/build-page.ts';
import type { ManifestPage } from '../../manifest/build-page.ts';
import { foldPages } from '../../manifest/fold-pages.ts';
import type { FoldedPage, ManifestChunk } from '../../manifest/fold-pages.ts';
import { packBody, unpackBody } from '../../manifest/pack-body.ts';
import { printDescriptor } from '../../manifest/print-descriptor.ts';

const page = (...keys: string[]): ManifestPage => {
  const built = buildPage(
    keys.map((key) => ({
      key,
      sizeBytes: 2,
      descriptor: printDescriptor({ bucket: 'b', etag: 'e' as ETag, key, sizeBytes: 2 }),
    })),
  );
  assert.ok(built);
  return built;
};

async function fold(pages: readonly FoldedPage[], chunkObjects: number): Promise<ManifestChunk[]> {
  async function* stream(): AsyncGenerator<FoldedPage> {
    yield* pages;
  }
  const chunks: ManifestChunk[] = [];
  for await (const chunk of foldPages(stream(), chunkObjects)) chunks.push(chunk);
  return chunks;
}

test('pages are joined into chunks that are never larger than asked, in order, with their counts', async () => {
  const pages = [page('a', 'b'), page('c', 'd'), page('e'), page('f', 'g')];
  const chunks = await fold(pages, 4);
  assert.deepEqual(
    chunks.map(({ ordinal, firstKey, lastKey, objects, sizeBytes }) => [
      ordinal,
      firstKey,
      lastKey,
      objects,
      sizeBytes,
    ]),
    [
      [0, 'a', 'd', 4, 8],
      [1, 'e', 'g', 3, 6],
    ],
  );
  const joined = chunks.map((chunk) => Buffer.from(chunk.body).toString()).join(',');
  assert.equal(joined, pages.map((each) => Buffer.from(each.body).toString()).join(','));
});

test('a page larger than a chunk becomes a chunk of its own', async () => {
  const chunks = await fold([page('a'), page('b', 'c', 'd'), page('e')], 2);
  assert.deepEqual(
    chunks.map((chunk) => chunk.objects),
    [1, 3, 1],
  );
});

test('an empty listing has no chunks', async () => {
  assert.deepEqual(await fold([], 10), []);
  assert.equal(buildPage([]), null);
});

test('a page that comes twice, overlaps or goes backwards never becomes a manifest', async () => {
  const incomplete = { type: 'listing_incomplete' };
  await assert.rejects(fold([page('a', 'b'), page('a', 'b')], 10), incomplete);
  await assert.rejects(fold([page('a', 'b'), page('b', 'c')], 10), incomplete);
  await assert.rejects(fold([page('a', 'c'), page('b', 'd')], 10), incomplete);
  await assert.rejects(fold([page('b'), page('a')], 10), incomplete);
  await assert.rejects(fold([{ ...page('a'), firstKey: 'b' }], 10), incomplete);
  assert.throws(() => page('b', 'a'), incomplete);
  assert.throws(() => page('a', 'a'), incomplete);
});

test('pages are compared in UTF-8 order: U+E000 comes before a character beyond the BMP', async () => {
  assert.equal((await fold([page('\u{e000}'), page('\u{1f600}')], 10)).length, 1);
  await assert.rejects(fold([page('\u{1f600}'), page('\u{e000}')], 10), { type: 'listing_incomplete' });
});

test('pages that bring their packed bodies make chunks that are packed already; one that cannot be joined is packed anew', async () => {
  const pages = [page('a', 'b'), page('c'), page('d', 'e'), page('f')].map(({ body, ...each }) => ({
    ...each,
    packed: packBody(body),
  }));
  const chunks = await fold(pages, 3);
  assert.equal(chunks.length, 2);
  for (const { body, packed } of chunks) {
    assert.ok(packed);
    assert.deepEqual(Buffer.from(unpackBody(packed)), Buffer.from(body));
  }
  const bodies = chunks.map(({ body }) => Buffer.from(body).toString());
  assert.equal(bodies.join(','), pages.map(({ packed }) => Buffer.from(unpackBody(packed)).toString()).join(','));
  const [first, second, ...rest] = pages;
  assert.ok(first && second);
  const old = { ...second, packed: Buffer.concat([Buffer.of(1), deflateRawSync(unpackBody(second.packed))]) };
  const mixed = await fold([first, old, ...rest], 3);
  assert.deepEqual(
    mixed.map(({ packed }) => packed === null),
    [true, false],
  );
  assert.deepEqual(
    mixed.map(({ body }) => Buffer.from(body).toString()),
    bodies,
  );
  const [bare] = await fold([page('a')], 3);
  assert.equal(bare?.packed, null);
});
