/**
 * Makes a page of a listing from columns: the bytes of its descriptors are written from the bytes that the store sent, and no string is
 * made of any object. What it cannot write so is left to `build-page.ts`.
 */
import { KEY_BYTES_MAX } from '../core/limits.ts';
import { keyAt, keyEnd, keyStart, type ObjectColumns } from '../core/object-columns.ts';
import type { ManifestPage } from './build-page.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const COMMA = 0x2c;
const BRACE = 0x7d;
const ZERO = 0x30;
const AFTER_ETAG = Buffer.from('","key":"');
const AFTER_KEY = Buffer.from('","size":');
/** Of a size, and the brace and the comma. */
const TAIL_BYTES = 16 + 2;

/**
 * The page of the first `count` objects, at least one, as `buildOrderedPage` makes it of them; undefined when a key is empty, longer than
 * a key may be, or has a control character.
 */
export function buildColumnPage(bucket: string, columns: ObjectColumns, count: number): ManifestPage | undefined {
  const { text, ends, sizes } = columns;
  const head = Buffer.from(`{"bucket":${JSON.stringify(bucket)},"etag":"`);
  const textBytes = ends[2 * count - 1] ?? 0;
  const fixedBytes = head.length + AFTER_ETAG.length + AFTER_KEY.length + TAIL_BYTES;
  // Each byte of a key may be escaped by one more.
  const body = reserve(count * fixedBytes + 2 * textBytes);
  let at = 0;
  let sizeBytes = 0;
  for (let index = 0; index < count; index++) {
    const start = keyStart(columns, index);
    const end = keyEnd(columns, index);
    const etagEnd = ends[2 * index + 1] ?? 0;
    if (end === start || end - start > KEY_BYTES_MAX) return undefined;
    if (index > 0) body[at++] = COMMA;
    for (let from = 0; from < head.length; from++) body[at++] = head[from] ?? 0;
    for (let from = end; from < etagEnd; from++) body[at++] = text[from] ?? 0;
    for (let from = 0; from < AFTER_ETAG.length; from++) body[at++] = AFTER_ETAG[from] ?? 0;
    for (let from = start; from < end; from++) {
      const byte = text[from] ?? 0;
      if (byte < SPACE) return undefined;
      if (byte === QUOTE || byte === BACKSLASH) body[at++] = BACKSLASH;
      body[at++] = byte;
    }
    for (let from = 0; from < AFTER_KEY.length; from++) body[at++] = AFTER_KEY[from] ?? 0;
    const size = sizes[index] ?? 0;
    sizeBytes += size;
    at = writeNumber(body, at, size);
    body[at++] = BRACE;
  }
  return {
    firstKey: keyAt(columns, 0),
    lastKey: keyAt(columns, count - 1),
    objects: count,
    sizeBytes,
    body: Buffer.from(body.subarray(0, at)),
  };
}

/** A whole number up to 15 digits. */
function writeNumber(body: Buffer, at: number, value: number): number {
  let digits = 1;
  for (let bound = 10; bound <= value; bound *= 10) digits += 1;
  let rest = value;
  for (let place = at + digits - 1; place >= at; place--) {
    const next = Math.floor(rest / 10);
    body[place] = ZERO + (rest - next * 10);
    rest = next;
  }
  return at + digits;
}

let scratch = Buffer.alloc(0);

/** Memory for one call, which the next one writes over: pages are made one after the other, and kept in memory of their own size. */
function reserve(bytes: number): Buffer {
  if (scratch.length < bytes) scratch = Buffer.allocUnsafeSlow(bytes);
  return scratch;
}
