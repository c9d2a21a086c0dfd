import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { failureTypeOf } from '../../core/failures.ts';
import type { ListAnswer } from '../../stores/s3/list-answer.ts';
import { scanListBytes } from '../../stores/s3/list-bytes.ts';
import { toListPage, toUnusualListPage } from '../../stores/s3/list-objects.ts';
import { parseListAnswer } from '../../stores/s3/list-parser.ts';
import { scanListAnswer } from '../../stores/s3/list-scanner.ts';
import { knownListAnswer, mutatedListAnswer, mutateText, usualListAnswer } from '../support/list-answer-text.ts';

const parse = (bytes: Uint8Array): ListAnswer | string => {
  try {
    return parseListAnswer(bytes, {});
  } catch (error) {
    return failureTypeOf(error);
  }
};

test('the scanner reads every page of the known shape, and reads what the parser reads', () => {
  fc.assert(
    fc.property(knownListAnswer, ({ text, objects }) => {
      const bytes = Buffer.from(text);
      const scanned = scanListAnswer(bytes);
      assert.deepEqual(scanned?.objects, objects);
      assert.deepEqual(scanned, parse(bytes));
    }),
    { numRuns: 500 },
  );
});

test('a page that was tampered with anywhere is never read differently by the scanner than by the parser', () => {
  let scannedRuns = 0;
  fc.assert(
    fc.property(mutatedListAnswer, (text) => {
      const bytes = Buffer.from(text);
      const scanned = scanListAnswer(bytes);
      if (scanned === undefined) return;
      scannedRuns += 1;
      assert.deepEqual(scanned, parse(bytes));
    }),
    { numRuns: 4000 },
  );
  assert.ok(scannedRuns > 50, 'the tampering left some pages readable');
});

test('a page that is cut anywhere before its end is listing_incomplete', () => {
  fc.assert(
    fc.property(knownListAnswer, fc.nat(), ({ text }, at) => {
      const bytes = Buffer.from(text);
      const cut = bytes.subarray(0, at % bytes.length);
      assert.equal(scanListAnswer(cut), undefined);
      assert.throws(
        () => toListPage(cut, {}),
        (error) => failureTypeOf(error) === 'listing_incomplete',
      );
    }),
    { numRuns: 500 },
  );
});

test('what is doubled, added or outside the root is left to the parser', () => {
  const contents =
    '<Contents><Key>a</Key><LastModified>2026-01-01T00:00:00Z</LastModified><ETag>"e"</ETag><Size>1</Size></Contents>';
  const page = `<ListBucketResult><IsTruncated>false</IsTruncated>${contents}</ListBucketResult>`;
  assert.equal(scanListAnswer(Buffer.from(page))?.objects.length, 1);
  const unusual = [
    `${page}<ListBucketResult></ListBucketResult>`,
    `${page}trailing`,
    `leading${page}`,
    page.replace('<Contents>', '<IsTruncated>true</IsTruncated><Contents>'),
    page.replace('<Size>', '<Key>b</Key><Size>'),
    page.replace('<Size>', '<Size unit="bytes">'),
    page.replace('<Size>', '<!-- one --><Size>'),
    page.replace('<Key>a', '<Key><![CDATA[a]]>'),
    page.replace('<Key>a', '<Key>a\r\n'),
    page.replace('</Contents>', 'text</Contents>'),
    page.replace('</Contents>', '<Novelty>1</Novelty></Contents>'),
    page.replace('</ListBucketResult>', '<Novelty><IsTruncated>true</IsTruncated></Novelty></ListBucketResult>'),
    page.replace('false', 'FALSE'),
  ];
  for (const text of unusual) assert.equal(scanListAnswer(Buffer.from(text)), undefined, text);
});

const readAs = (read: typeof toListPage, bytes: Uint8Array): unknown => {
  try {
    const { objects, commonPrefixes, nextContinuationToken } = read(bytes, {});
    return { objects, commonPrefixes, nextContinuationToken };
  } catch (error) {
    return failureTypeOf(error);
  }
};

test('a page of the usual shape is read from its bytes, and as any other page is read', () => {
  fc.assert(
    fc.property(usualListAnswer, (text) => {
      const bytes = Buffer.from(text);
      assert.notEqual(scanListBytes(bytes), undefined);
      assert.deepEqual(readAs(toListPage, bytes), readAs(toUnusualListPage, bytes));
    }),
    { numRuns: 500 },
  );
});

test('a page that was tampered with anywhere is read from its bytes as any other page is read, or not at all', () => {
  let scannedRuns = 0;
  fc.assert(
    fc.property(
      fc.oneof(
        usualListAnswer.chain(mutateText),
        mutatedListAnswer,
        knownListAnswer.map(({ text }) => text),
      ),
      (text) => {
        const bytes = Buffer.from(text);
        if (scanListBytes(bytes) !== undefined) scannedRuns += 1;
        assert.deepEqual(readAs(toListPage, bytes), readAs(toUnusualListPage, bytes));
      },
    ),
    { numRuns: 6000 },
  );
  // About 115 of them.
  assert.ok(scannedRuns > 30, String(scannedRuns));
});

test('a page is read from its bytes only where its objects stand directly in the root', () => {
  const contents =
    '<Contents><Key>a</Key><LastModified>2026-01-01T00:00:00Z</LastModified><ETag>"e"</ETag><Size>1</Size></Contents>';
  const wrap = (inner: string): Buffer =>
    Buffer.from(`<ListBucketResult><IsTruncated>false</IsTruncated>${inner}</ListBucketResult>`);
  assert.equal(scanListBytes(wrap(contents))?.columns.count, 1);
  for (const inner of [
    `<Name>${contents}</Name>`,
    `<Name>b${contents}</Name>`,
    `<CommonPrefixes>${contents}<Prefix>p</Prefix></CommonPrefixes>`,
    `<CommonPrefixes><Prefix>p</Prefix>${contents}</CommonPrefixes>`,
    `${contents}<CommonPrefixes><Prefix>p</Prefix></CommonPrefixes>`,
    `${contents}<Name>x</Name>${contents}`,
    `${contents} ${contents}`,
    contents.replace('2026-01-01', '2026-13-01'),
    contents.replace('2026-01-01', '1969-01-01'),
    contents.replace('2026-01-01', '0075-01-01'),
    contents.replace('2026-01-01', '2026-02-29'),
    contents.replace('00:00:00Z', '24:00:00Z'),
    contents.replace('<Size>1', '<Size>'),
    contents.replace('<Size>1', '<Size>1234567890123456'),
    contents.replace('<Key>a', '<Key>]]>'),
    contents.replace('"e"', 'W/"e"'),
  ]) {
    assert.equal(scanListBytes(wrap(inner)), undefined, inner);
  }
});
