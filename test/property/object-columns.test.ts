/** Pages of a listing as columns: whatever is done with them is what is done with their objects one by one. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { selectPage, toKeyPage, type Source } from '../../activities/list/source.ts';
import { isSupportedKey } from '../../core/keys.ts';
import { compareUtf8, isWellFormed } from '../../core/utf8-order.ts';
import { buildOrderedPage } from '../../manifest/build-page.ts';
import { packBody, unpackBody } from '../../manifest/pack-body.ts';
import { packColumnPage } from '../../manifest/pack-column-page.ts';
import { ColumnPage } from '../../stores/s3/column-page.ts';
import { toListPage } from '../../stores/s3/list-objects.ts';
import type { ListedObject } from '../../stores/store.ts';

const key = fc.oneof(
  fc.string({
    unit: fc.constantFrom('a', 'b', '/', '=', ' ', '+', '%', '&', '"', '\\', 'é', '😀', '\uffff'),
    minLength: 1,
    maxLength: 8,
  }),
  fc.string({ unit: 'grapheme', maxLength: 8 }).filter(isWellFormed),
  fc.constantFrom('\0', 'a\u0001', 'line\nbreak', '\u007f', 'x'.repeat(1024), 'x'.repeat(1025), 'é'.repeat(513)),
);
const object = fc.record(
  {
    key,
    etag: fc.constantFrom('9a0364b9e99bb480dd25e1f0284c8555', '9a0364b9e99bb480dd25e1f0284c8555-3', 'a_b'),
    sizeBytes: fc.oneof(
      fc.nat({ max: 12 }),
      fc.constantFrom(9, 10, 99, 100, 2 ** 31, 2 ** 32 + 1, 5 * 2 ** 40, 999_999_999_999_999),
    ),
    lastModifiedMs: fc.nat({ max: 2_000_000_000 }).map((seconds) => seconds * 1000),
  },
  { noNullPrototype: true },
) as fc.Arbitrary<ListedObject>;
const objects = fc.uniqueArray(object, { minLength: 1, maxLength: 8, selector: ({ key: each }) => each });
const ascending = objects.map((all) => [...all].sort((a, b) => compareUtf8(a.key, b.key)));

/** As S3 would answer, and as the S3 adapter reads it. */
function readColumns(all: readonly ListedObject[], isLent = false): ColumnPage {
  const contents = all.map(
    ({ key: name, etag, sizeBytes, lastModifiedMs }) =>
      `<Contents><Key>${encodeURIComponent(name)}</Key><LastModified>${new Date(lastModifiedMs).toISOString()}</LastModified>` +
      `<ETag>&quot;${etag}&quot;</ETag><Size>${String(sizeBytes)}</Size></Contents>`,
  );
  const text = `<ListBucketResult><IsTruncated>false</IsTruncated><EncodingType>url</EncodingType>${contents.join('')}</ListBucketResult>`;
  const page = toListPage(Buffer.from(text), {}, isLent);
  assert.ok(page instanceof ColumnPage, text);
  return page;
}

test('columns hold the objects of the page', () => {
  fc.assert(
    fc.property(objects, (all) => assert.deepEqual(readColumns(all).objects, all)),
    { numRuns: 1000 },
  );
});

test('a page that was lent keeps what it says until it is given back, and any other for good', () => {
  const memoryOf = ({ columns }: ColumnPage): unknown => columns.text.buffer;
  fc.assert(
    fc.property(fc.array(objects, { minLength: 3, maxLength: 3 }), ([first = [], second = [], third = []]) => {
      const kept = readColumns(first);
      const lent = readColumns(second, true);
      const meanwhile = readColumns(third, true);
      assert.notEqual(memoryOf(lent), memoryOf(meanwhile));
      assert.deepEqual([lent.objects, meanwhile.objects], [second, third]);
      lent.giveBack?.();
      const after = readColumns(first, true);
      assert.equal(memoryOf(after), memoryOf(lent));
      assert.deepEqual([meanwhile.objects, after.objects, kept.objects], [third, first, first]);
      for (const each of [meanwhile, after]) each.giveBack?.();
    }),
    { numRuns: 300 },
  );
});

type Page = ReturnType<typeof buildOrderedPage>;
const unpack = (page: Page): Page => page && { ...page, body: Buffer.from(unpackBody(page.body)) };

test('a page of descriptors is the same packed from columns as from objects, and left to those where a key is none or is escaped', () => {
  let built = 0;
  let left = 0;
  fc.assert(
    fc.property(ascending, fc.nat(), (all, at) => {
      const count = 1 + (at % all.length);
      const page = packColumnPage('b"ü', readColumns(all).columns, count);
      const taken = all.slice(0, count);
      const isPlain = taken.every(({ key: each }) => isSupportedKey(each) && !/[\0-\x1f"\\]/.test(each));
      assert.equal(page !== undefined, isPlain);
      if (page === undefined) left += 1;
      else {
        built += 1;
        assert.deepEqual(unpack(page), buildOrderedPage('b"ü', taken));
      }
    }),
    { numRuns: 4000 },
  );
  assert.ok(built > 500 && left > 500, `${String(built)} built, ${String(left)} left`);
});

test('a page of a thousand is the same, and as small as zlib makes it', () => {
  const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
  const names: ((at: number) => string)[] = [
    (at) => `${md5(String(at))}.parquet`,
    (at) =>
      `y=2026/m=03/d=${String(Math.floor(at / 40)).padStart(2, '0')}/part-${String(at)}-${md5(String(at)).slice(0, 8)}.snappy.parquet`,
    (at) => `warehouse/events/v1/region=eu-central-1/part-${String(at).padStart(12, '0')}.json.gz`,
    (at) => `mär😀/${md5(String(at)).slice(0, 12)}/é`,
    (at) => `${'long/'.repeat(190)}${String(at)}${'/x'.repeat(20)}`,
  ];
  for (const name of names) {
    const all = Array.from({ length: 1000 }, (_, at): ListedObject => {
      const etag = (
        at % 7 === 0 ? `${md5(`etag ${String(at)}`)}-12` : md5(`etag ${String(at)}`)
      ) as ListedObject['etag'];
      return { key: name(at), etag, sizeBytes: (at * 2654435761) % 5_000_000_000, lastModifiedMs: at * 1000 };
    }).sort((a, b) => compareUtf8(a.key, b.key));
    const page = packColumnPage('bucket', readColumns(all).columns, all.length) ?? null;
    const expected = buildOrderedPage('bucket', all);
    assert.deepEqual(unpack(page), expected);
    const [bytes, zlibBytes] = [page?.body.length ?? NaN, packBody(expected?.body ?? Buffer.alloc(0)).length];
    assert.ok(bytes < 1.1 * zlibBytes, `${name(0)}: ${String(bytes)} bytes, zlib ${String(zlibBytes)}`);
  }
});

test('keys are found, compared and refused by their bytes as by their text', () => {
  fc.assert(
    fc.property(objects, key, (all, wanted) => {
      const columns = toKeyPage(readColumns(all));
      const one = toKeyPage({ objects: all, commonPrefixes: [] });
      assert.equal(columns === null, one === null);
      if (columns === null || one === null) return;
      assert.deepEqual(
        [columns.count, columns.token, columns.countUpTo(wanted), ...all.map((_, index) => columns.keyAt(index))],
        [one.count, one.token, one.countUpTo(wanted), ...all.map((_, index) => one.keyAt(index))],
      );
    }),
    { numRuns: 1000 },
  );
  fc.assert(
    fc.property(ascending, key, (all, wanted) => {
      const columns = toKeyPage(readColumns(all));
      assert.equal(columns?.countUpTo(wanted), all.filter((each) => compareUtf8(each.key, wanted) <= 0).length);
    }),
    { numRuns: 1000 },
  );
});

test('what is selected of a page does not depend on how it was read', () => {
  const passes = [null, ({ sizeBytes }: ListedObject) => sizeBytes < 100];
  fc.assert(
    fc.property(
      ascending,
      fc.nat(),
      fc.constantFrom('', 'a', 'x'),
      fc.constantFrom(...passes),
      (all, at, prefix, filter) => {
        const source = { spec: { source: { store: 's', bucket: 'b', prefix } }, passes: filter } as unknown as Source;
        const count = at % (all.length + 1);
        const select = (listed: Parameters<typeof selectPage>[1]): unknown => {
          try {
            const { page, isPacked, unsupported } = selectPage(source, listed, count);
            return { page: isPacked ? unpack(page) : page, unsupported };
          } catch (error) {
            return (error as { type: unknown }).type;
          }
        };
        assert.deepEqual(select(readColumns(all)), select({ objects: all, commonPrefixes: [] }));
      },
    ),
    { numRuns: 2000 },
  );
});
