/**
 * The join by chunks against the plain one over sets of keys: whatever manifest, ledger and target hold, however they are cut into chunks
 * and pages, a chunk is called the same exactly when nothing in its stretch differs, and everything else comes item by item.
 */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { joinChunks, type JoinedStretch } from '../../activities/plan/join-chunks.ts';
import { TargetPage } from '../../activities/plan/target-page.ts';
import type { ETag, Sha256Hex } from '../../core/ids.ts';
import { compareUtf8 } from '../../core/utf8-order.ts';
import type { Chunk, DeliveryRecord, Ledger } from '../../ledger/ledger.ts';
import type { Descriptor } from '../../manifest/descriptor.ts';
import { DescriptorText, Renaming } from '../../manifest/descriptor-text.ts';
import { packBody } from '../../manifest/pack-body.ts';
import { printDescriptor } from '../../manifest/print-descriptor.ts';
import type { ListedObject } from '../../stores/store.ts';
import { buildSpec } from '../support/ledger-fixtures.ts';
import { lendPage } from '../support/lent-page.ts';

const BUCKET = 'source';
const SPEC = {
  ...buildSpec('join'),
  source: { store: 'a', bucket: BUCKET, prefix: 'from/' },
  target: { store: 'b', bucket: 'target', prefix: 'é/', encryption: null },
};
const toTarget = (key: string): string => `é/${key}`;
const toSource = (key: string): string => `from/${key}`;

interface Held {
  readonly etag: string;
  readonly targetEtag: string;
  readonly size: number;
}
/** What one key is in each of the three places; undefined: it is not there. */
interface Cell {
  readonly key: string;
  readonly source: Held | undefined;
  readonly delivered: Held | undefined;
  readonly target: Held | undefined;
}

// Few keys and values, so that neighbours and near misses are common; among them what JSON escapes and what looks escaped.
const keys = fc.string({
  unit: fc.constantFrom('a', 'b', '"', '\\', '\n', ',', '\u{1f600}', '\uffee'),
  minLength: 1,
  maxLength: 3,
});
const held = fc.record({
  etag: fc.constantFrom('e1', 'e"2', 'e\\"2'),
  targetEtag: fc.constantFrom('e1', 't\\1'),
  size: fc.constantFrom(1, 12),
});
const cell = fc.oneof(
  // Undisturbed ones, so that whole chunks are.
  { weight: 12, arbitrary: held.map((one) => ({ source: one, delivered: one, target: one })) },
  {
    weight: 1,
    arbitrary: fc.record({
      source: fc.option(held, { nil: undefined }),
      delivered: fc.option(held, { nil: undefined }),
      target: fc.option(held, { nil: undefined }),
    }),
  },
);
const cells = fc
  .uniqueArray(fc.tuple(keys, cell), { selector: ([key]) => key, maxLength: 24 })
  .map((all): Cell[] => all.map(([key, one]) => ({ key, ...one })).sort((x, y) => compareUtf8(x.key, y.key)));

const cut = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size));

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item);
}

const toDescriptor = (key: string, etag: string, size: number): Descriptor => ({
  bucket: BUCKET,
  key: toSource(key),
  etag: etag as ETag,
  sizeBytes: size,
});

function createLedger(
  all: readonly Cell[],
  chunks: readonly Cell[][],
): Pick<Ledger, 'readChunks' | 'readDeliveries' | 'readDeliveredText'> {
  const inRange = (after: string | null, until: string | null) =>
    all.flatMap(({ key, delivered }) => {
      const target = toTarget(key);
      return delivered === undefined ||
        (after !== null && compareUtf8(target, after) <= 0) ||
        (until !== null && compareUtf8(target, until) > 0)
        ? []
        : [{ key, target, ...delivered }];
    });
  return {
    async *readChunks() {
      for (const [ordinal, chunk] of chunks.entries()) {
        const lines = chunk.map(({ key, source }) =>
          printDescriptor(toDescriptor(key, source?.etag ?? '', source?.size ?? 0)),
        );
        yield await Promise.resolve({
          ordinal,
          firstKey: toSource(chunk[0]?.key ?? ''),
          lastKey: toSource(chunk.at(-1)?.key ?? ''),
          objects: chunk.length,
          sizeBytes: chunk.reduce((sum, { source }) => sum + (source?.size ?? 0), 0),
          body: packBody(Buffer.from(lines.join(','))),
        } satisfies Chunk);
      }
    },
    async readDeliveries(_target, after, limit, until = null) {
      return inRange(after, until)
        .slice(0, limit)
        .map(({ target, etag, targetEtag, size }): DeliveryRecord => ({
          key: target,
          sourceEtag: etag,
          sourceVersion: null,
          sizeBytes: size,
          targetEtag,
          checksum: '',
        }));
    },
    async readDeliveredText(_target, { after, until, objectsMax }) {
      const rows = inRange(after, until);
      if (rows.length > objectsMax) return null;
      const print = (toEtag: (row: Held) => string): string =>
        rows.map((row) => printDescriptor(toDescriptor(row.key, toEtag(row), row.size))).join(',');
      const sourceText = print(({ etag }) => etag);
      const targetText = print(({ targetEtag }) => targetEtag);
      return {
        objects: rows.length,
        sourceSha256: hash('sha256', sourceText, 'hex') as Sha256Hex,
        // Null is allowed for the same text, and not asked for.
        targetText: targetText === sourceText && rows.length % 2 === 0 ? null : targetText,
      };
    },
  };
}

/** An adapter that reads columns leaves an ETag that is none of their letters to the parser of objects. */
const toPage = (objects: readonly ListedObject[], asColumns: boolean): TargetPage => {
  const page = { objects, commonPrefixes: [] };
  return new TargetPage(asColumns && objects.every(({ etag }) => /^[\w-]+$/.test(etag)) ? lendPage(page) : page);
};

const isSame = (x: Held | undefined, y: Held | undefined): boolean => x?.etag === y?.etag && x?.size === y?.size;
const isHeld = (target: Held | undefined, delivered: Held | undefined): boolean =>
  target?.targetEtag === delivered?.targetEtag && target?.size === delivered?.size;

async function join(
  all: readonly Cell[],
  chunks: readonly Cell[][],
  pageSize: number | null,
  asColumns: boolean,
): Promise<JoinedStretch[]> {
  const listed = all.flatMap(({ key, target }): ListedObject[] =>
    target === undefined
      ? []
      : [{ key: toTarget(key), etag: target.targetEtag as ETag, sizeBytes: target.size, lastModifiedMs: 0 }],
  );
  const stretches: JoinedStretch[] = [];
  const joined = joinChunks({
    ledger: createLedger(all, chunks) as Ledger,
    spec: SPEC,
    listingId: 'l',
    targetId: 't',
    target: pageSize === null ? null : each(cut(listed, pageSize).map((objects) => toPage(objects, asColumns))),
  });
  for await (const stretch of joined) stretches.push(stretch);
  return stretches;
}

test('a chunk is the same exactly when nothing differs between its keys, and all else is joined item by item', async () => {
  const sizes = fc.integer({ min: 1, max: 5 });
  const pageSizes = fc.option(sizes, { nil: null });
  await fc.assert(
    fc.asyncProperty(cells, sizes, pageSizes, fc.boolean(), async (all, chunkSize, pageSize, asColumns) => {
      const isListed = pageSize !== null;
      const chunks = cut(
        all.filter(({ source }) => source !== undefined),
        chunkSize,
      );
      const stretches = await join(all, chunks, pageSize, asColumns);

      const isTold = ({ source, delivered, target }: Cell): boolean =>
        source !== undefined || delivered !== undefined || (isListed && target !== undefined);
      let index = 0;
      const expectedItems: string[] = [];
      const expectedSame: { objects: number; sizeBytes: number }[] = [];
      for (const chunk of chunks) {
        const last = chunk.at(-1)?.key ?? '';
        const reach: Cell[] = [];
        for (; index < all.length && compareUtf8(all[index]?.key ?? '', last) <= 0; index++)
          reach.push(all[index] as Cell);
        const isUndisturbed = reach.every(
          ({ source, delivered, target }) =>
            isSame(source, delivered) &&
            (!isListed || (source === undefined ? target === undefined : isHeld(target, delivered))),
        );
        if (isUndisturbed) {
          expectedSame.push({
            objects: chunk.length,
            sizeBytes: chunk.reduce((sum, { source }) => sum + (source?.size ?? 0), 0),
          });
        } else {
          expectedItems.push(...reach.filter(isTold).map(({ key }) => key));
        }
      }
      expectedItems.push(
        ...all
          .slice(index)
          .filter(isTold)
          .map(({ key }) => key),
      );

      const same = stretches
        .filter((one) => one.kind === 'same')
        .map(({ objects, sizeBytes }) => ({ objects, sizeBytes }));
      assert.deepEqual(same, expectedSame);
      const items = stretches.flatMap((one) => (one.kind === 'items' ? one.items : []));
      assert.deepEqual(
        items.map(({ key }) => key),
        expectedItems.map(toTarget),
      );
      for (const { key, a, b, c } of items) {
        const one = all.find((candidate) => toTarget(candidate.key) === key);
        assert.equal(a?.descriptor.etag, one?.source?.etag);
        assert.equal(c?.etag, isListed ? one?.target?.targetEtag : undefined);
        assert.equal(b?.sourceEtag, one?.delivered?.etag);
      }
    }),
    { numRuns: 3000 },
  );
});

// One looks like the end of a descriptor and the beginning of another: there its target would hide that two others are gone.
const spanning = 'a","size":1},{"bucket":"b\\"","etag":"e","key":"b';
const objects = fc.array(
  fc.record({
    key: fc.oneof({ weight: 3, arbitrary: keys }, fc.constantFrom('a', 'b', spanning)),
    etag: fc.constantFrom('e', 'e-2'),
    size: fc.constantFrom(0, 1, 11, 2 ** 49),
  }),
  { maxLength: 4 },
);
const printAll = (all: readonly { readonly key: string; readonly etag: string; readonly size: number }[]): string =>
  all
    .map(({ key, etag, size }) => printDescriptor({ bucket: 'b"', key, etag: etag as ETag, sizeBytes: size }))
    .join(',');

test('a text is read along by exactly the columns that it was printed of, under any other beginning', () => {
  const prefixes = fc.constantFrom('', 'a', 'in/', 'é"');
  fc.assert(
    fc.property(objects, objects, fc.boolean(), prefixes, prefixes, (printed, other, isOther, from, to) => {
      const read = isOther ? other : printed;
      const renamed = (all: typeof printed, prefix: string) => all.map((one) => ({ ...one, key: prefix + one.key }));
      const listed = renamed(read, from).map(({ key, etag, size }) => ({
        ...{ key, etag: etag as ETag, sizeBytes: size, lastModifiedMs: 0 },
      }));
      for (const asColumns of [true, false]) {
        const text = new DescriptorText(Buffer.from(printAll(renamed(printed, to))), 'b"');
        const isAccepted = toPage(listed, asColumns).readsAlong(text, new Renaming(from, to)) && text.isAtEnd;
        assert.equal(isAccepted, printAll(printed) === printAll(read));
      }
    }),
    { numRuns: 3000 },
  );
  const two = [
    { key: 'a', etag: 'e', size: 1 },
    { key: 'b', etag: 'e', size: 2 },
  ];
  const one = { key: spanning, etag: 'e' as ETag, sizeBytes: 2, lastModifiedMs: 0 };
  for (const asColumns of [true, false]) {
    const text = new DescriptorText(Buffer.from(printAll(two)), 'b"');
    assert.equal(toPage([one], asColumns).readsAlong(text, new Renaming('', '')), false);
  }
});

test('a text is read along by exactly the objects that it was printed of', () => {
  const object = fc.record({
    key: keys,
    etag: fc.constantFrom('e', 'e"', 'e\\', 'e\\"'),
    size: fc.constantFrom(1, 11),
  });
  fc.assert(
    fc.property(fc.array(object, { maxLength: 4 }), fc.array(object, { maxLength: 4 }), (printed, read) => {
      const print = (all: typeof printed): string =>
        all
          .map(({ key, etag, size }) => printDescriptor({ bucket: 'b"', key, etag: etag as ETag, sizeBytes: size }))
          .join(',');
      const text = new DescriptorText(Buffer.from(print(printed)), 'b"');
      const isAccepted = read.every(({ key, etag, size }) => text.accept(key, etag, size)) && text.isAtEnd;
      assert.equal(isAccepted, print(printed) === print(read));
    }),
    { numRuns: 3000 },
  );
});
