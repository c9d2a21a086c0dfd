/**
 * Reads a page of ListObjectsV2 from its bytes, when it is what S3 and its kin nearly always send: objects one after the other without
 * white space, elements in the usual order, ASCII, plain dates, plain ETags. At the first thing that is anything else it gives up and
 * returns undefined, and `list-scanner.ts` reads the page; a property test holds the two together.
 *
 * No string is made of the page, nor of what is in it: to make and throw away costs more than to read. Objects are read into columns of
 * bytes (core/object-columns.ts) by `list-object-reader.ts`. What is around them is a small page without objects, which the scanner reads.
 */
import type { ObjectColumns } from '../../core/object-columns.ts';
import { giveBackColumnMemory, lendColumnMemory } from './list-column-memory.ts';
import { CONTENTS_END, ListObjectReader } from './list-object-reader.ts';
import { scanListAnswer } from './list-scanner.ts';

export interface ScannedPage {
  readonly columns: ObjectColumns;
  readonly isTruncated: boolean;
  readonly nextContinuationToken: string | undefined;
  /** Where the columns were lent: once, by whoever is done with them; they change then. */
  readonly giveBack?: () => void;
}

/** @param isLent columns are in memory that is given back, and not in memory of their own */
export function scanListBytes(bytes: Uint8Array, isLent = false): ScannedPage | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const from = buffer.indexOf('<Contents>');
  const to = buffer.lastIndexOf(CONTENTS_END) + CONTENTS_END.length;
  if (from < 0 || to <= from) return undefined;
  const head = buffer.subarray(0, from);
  if (!isBetweenElements(head.toString('latin1'))) return undefined;
  const around = scanListAnswer(Buffer.concat([head, buffer.subarray(to)]));
  if (around === undefined || around.objects.length > 0 || around.commonPrefixes.length > 0) return undefined;
  const memory = lendColumnMemory(to - from);
  const columns = readColumns(new ListObjectReader(buffer, memory, { from, urlEncoded: around.urlEncoded }), to);
  if (columns === undefined || !isLent) giveBackColumnMemory(memory);
  if (columns === undefined) return undefined;
  const { isTruncated, nextContinuationToken } = around;
  return isLent
    ? { columns, isTruncated, nextContinuationToken, giveBack: () => giveBackColumnMemory(memory) }
    : { columns: copyColumns(columns), isTruncated, nextContinuationToken };
}

function readColumns(reader: ListObjectReader, to: number): ObjectColumns | undefined {
  while (reader.at < to) if (!reader.next()) return undefined;
  return reader.at === to ? reader.finish() : undefined;
}

const copyColumns = ({ text, ends, sizes, modifiedMs, ...rest }: ObjectColumns): ObjectColumns => ({
  ...rest,
  text: Buffer.from(text),
  ends: ends.slice(),
  sizes: sizes.slice(),
  modifiedMs: modifiedMs.slice(),
});

/** What follows stands directly in the root: the last tag ended an element, or is the root's own. */
function isBetweenElements(head: string): boolean {
  const last = head.slice(head.lastIndexOf('<'));
  return last.startsWith('</') || last.startsWith('<ListBucketResult') || /^<[A-Za-z]+\/>\s*$/.test(last);
}
