import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { failureTypeOf } from '../../core/failures.ts';
import type { ListAnswer } from '../../stores/s3/list-answer.ts';
import { toListPage } from '../../stores/s3/list-objects.ts';
import { parseListAnswer } from '../../stores/s3/list-parser.ts';
import { scanListAnswer } from '../../stores/s3/list-scanner.ts';
import { knownListAnswer, mutatedListAnswer } from '../support/list-answer-text.ts';

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
