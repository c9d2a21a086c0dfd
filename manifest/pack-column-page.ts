/**
 * Makes a packed page of a listing right from columns: the text of its descriptors is never written, only what unpacks to it. An object's
 * descriptor is what the one before it has at the same place (what is between the values, the beginning and the end of a key, the first
 * characters of ETag and size), said as deflate's matches, and the rest as it stands. So nothing is searched for, which is what zlib's
 * time goes to; what comes out is as small, and is read by the same inflate.
 *
 * What it cannot write so is left to `build-page.ts`.
 */
import { KEY_BYTES_MAX } from '../core/limits.ts';
import { countCommon, keyAt, toView, type ObjectColumns } from '../core/object-columns.ts';
import type { ManifestPage } from './build-page.ts';
import { AFTER_ETAG, AFTER_KEY, BACKSLASH, END, QUOTE, SPACE, toDescriptorHead, ZERO } from './descriptor-bytes.ts';
import { DeflateWriter, MATCH_MAX, MATCH_MIN, SymbolCounts } from './deflate-writer.ts';
import { PACKED_HEAD, PACKED_TAIL } from './pack-body.ts';

const END_AND_COMMA = Buffer.from('},');
const DELETE = 0x7f;
const SIZE_DIGITS_MAX = 15;
/** Longer than any store's: what is before it must stay within what a match can reach. */
const ETAG_BYTES_MAX = 1024;
/** One object of so many is counted before all are written. */
const SAMPLE_STEP = 8;
/** A literal takes 15 bits at most, a match 48, of which an object has three, and more where a key has more in common than one can say. */
const LITERAL_BYTES_MAX = 2;
const MATCHES_BYTES_MAX = 6 * (3 + 2 * Math.ceil((KEY_BYTES_MAX + ETAG_BYTES_MAX) / (MATCH_MAX - MATCH_MIN)));

const writer = new DeflateWriter();
const counts = new SymbolCounts();

/**
 * The page of the first `count` objects, at least one, with its body as `packBody` packs it; undefined when a key is empty, longer than a
 * key may be, or has a character that JSON escapes.
 */
export function packColumnPage(bucket: string, columns: ObjectColumns, count: number): ManifestPage | undefined {
  const head = toDescriptorHead(bucket);
  const pair = new Pair(columns, head);
  const isWide = !columns.isAscii || head.some((byte) => byte > DELETE);
  counts.reset(SPACE, isWide ? 0xff : DELETE);
  for (let index = 1; index < count; index += SAMPLE_STEP) {
    pair.look(index - 1);
    pair.look(index);
    pair.count();
  }
  const textBytes = columns.ends[2 * count - 1] ?? 0;
  const literalsMax = textBytes + count * SIZE_DIGITS_MAX + head.length + AFTER_ETAG.length + AFTER_KEY.length + 4;
  writer.start(PACKED_HEAD, LITERAL_BYTES_MAX * literalsMax + MATCHES_BYTES_MAX * count);
  writer.startBlock(counts);
  pair.codes = writer.literalCodes();
  pair.keyCodes = writer.literalCodes();
  pair.keyCodes[QUOTE] = pair.keyCodes[BACKSLASH] = 0;
  let sizeBytes = 0;
  for (let index = 0; index < count; index++) {
    pair.look(index);
    if (!pair.write(index)) return undefined;
    sizeBytes += columns.sizes[index] ?? 0;
  }
  writer.writeLiterals(pair.codes, END, 0, END.length);
  const [firstKey, lastKey] = [keyAt(columns, 0), keyAt(columns, count - 1)];
  return { firstKey, lastKey, objects: count, sizeBytes, body: writer.finish(PACKED_TAIL) };
}

/** An object and the one that was looked at before it. */
class Pair {
  /** What bytes are written as, and those of keys. */
  codes: Uint32Array = new Uint32Array(0);
  keyCodes: Uint32Array = new Uint32Array(0);
  readonly #columns: ObjectColumns;
  readonly #view: DataView;
  readonly #head: Buffer;
  /** Where they stand in the text: the key up to `keyEnd`, from there the ETag. */
  #start = 0;
  #keyEnd = 0;
  #end = 0;
  #startBefore = 0;
  #keyEndBefore = 0;
  #endBefore = 0;
  #digits: Uint8Array = new Uint8Array(SIZE_DIGITS_MAX + 1);
  #digitsBefore: Uint8Array = new Uint8Array(SIZE_DIGITS_MAX + 1);
  #digitCount = 0;
  #digitCountBefore = 0;
  /** What both begin with, and what their keys end with. */
  #etagCommon = 0;
  #keyCommon = 0;
  #keyTail = 0;
  #sizeCommon = 0;

  constructor(columns: ObjectColumns, head: Buffer) {
    this.#columns = columns;
    this.#view = toView(columns);
    this.#head = head;
  }

  look(index: number): void {
    const { ends, sizes } = this.#columns;
    const [startBefore, keyEndBefore, endBefore] = [this.#start, this.#keyEnd, this.#end];
    const start = index === 0 ? 0 : (ends[2 * index - 1] ?? 0);
    const keyEnd = ends[2 * index] ?? 0;
    const end = ends[2 * index + 1] ?? 0;
    const keyMost = Math.min(keyEndBefore - startBefore, keyEnd - start);
    const keyCommon = countCommon(this.#view, startBefore, start, keyMost);
    this.#keyCommon = keyCommon;
    this.#keyTail = countCommonTail(this.#view, keyEndBefore, keyEnd, keyMost - keyCommon);
    this.#etagCommon = countCommon(this.#view, keyEndBefore, keyEnd, Math.min(endBefore - keyEndBefore, end - keyEnd));
    [this.#startBefore, this.#keyEndBefore, this.#endBefore] = [startBefore, keyEndBefore, endBefore];
    [this.#start, this.#keyEnd, this.#end] = [start, keyEnd, end];

    const [digits, digitsBefore] = [this.#digitsBefore, this.#digits];
    this.#digitsBefore = digitsBefore;
    this.#digitCountBefore = this.#digitCount;
    this.#digits = digits;
    this.#digitCount = writeDigits(digits, sizes[index] ?? 0);
    let sizeCommon = 0;
    const digitsMin = Math.min(this.#digitCount, this.#digitCountBefore);
    while (sizeCommon < digitsMin && digits[sizeCommon] === digitsBefore[sizeCommon]) sizeCommon += 1;
    this.#sizeCommon = sizeCommon;
  }

  count(): void {
    const { text } = this.#columns;
    counts.addLiterals(text, this.#keyEnd + this.#etagCommon, this.#end);
    counts.addLiterals(text, this.#start + this.#keyCommon, this.#keyEnd - this.#keyTail);
    counts.addLiterals(this.#digits, this.#sizeCommon, this.#digitCount);
    const bytesBefore = this.#bytesBefore;
    counts.addMatch(END_AND_COMMA.length + this.#head.length + this.#etagCommon, bytesBefore);
    counts.addMatch(AFTER_ETAG.length + this.#keyCommon, bytesBefore + this.#moreEtag);
    counts.addMatch(this.#keyTail + AFTER_KEY.length + this.#sizeCommon, bytesBefore + this.#moreText);
  }

  /** @returns false for what cannot be written here */
  write(index: number): boolean {
    const { text } = this.#columns;
    const [start, keyEnd, end] = [this.#start, this.#keyEnd, this.#end];
    if (keyEnd === start || keyEnd - start > KEY_BYTES_MAX || end - keyEnd > ETAG_BYTES_MAX) return false;
    const head = this.#head;
    if (index === 0) {
      return (
        writer.writeLiterals(this.codes, head, 0, head.length) &&
        writer.writeLiterals(this.codes, text, keyEnd, end) &&
        writer.writeLiterals(this.codes, AFTER_ETAG, 0, AFTER_ETAG.length) &&
        writer.writeLiterals(this.keyCodes, text, start, keyEnd) &&
        writer.writeLiterals(this.codes, AFTER_KEY, 0, AFTER_KEY.length) &&
        writer.writeLiterals(this.codes, this.#digits, 0, this.#digitCount)
      );
    }
    const bytesBefore = this.#bytesBefore;
    let between = END_AND_COMMA.length;
    if (index === 1) {
      // Nothing like it is before the first.
      writer.writeLiterals(this.codes, END_AND_COMMA, 0, between);
      between = 0;
    }
    writer.writeMatch(between + head.length + this.#etagCommon, bytesBefore);
    writer.writeLiterals(this.codes, text, keyEnd + this.#etagCommon, end);
    writer.writeMatch(AFTER_ETAG.length + this.#keyCommon, bytesBefore + this.#moreEtag);
    if (!writer.writeLiterals(this.keyCodes, text, start + this.#keyCommon, keyEnd - this.#keyTail)) return false;
    writer.writeMatch(this.#keyTail + AFTER_KEY.length + this.#sizeCommon, bytesBefore + this.#moreText);
    return writer.writeLiterals(this.codes, this.#digits, this.#sizeCommon, this.#digitCount);
  }

  /** Of the descriptor before and the comma behind it. */
  get #bytesBefore(): number {
    const fixed = this.#head.length + AFTER_ETAG.length + AFTER_KEY.length + END_AND_COMMA.length;
    return fixed + this.#endBefore - this.#startBefore + this.#digitCountBefore;
  }

  /** By how much the ETag is longer than the one before. */
  get #moreEtag(): number {
    return this.#end - this.#keyEnd - (this.#endBefore - this.#keyEndBefore);
  }

  /** The same of ETag and key. */
  get #moreText(): number {
    return this.#end - this.#start - (this.#endBefore - this.#startBefore);
  }
}

/** How many of the last `most` bytes up to two ends are the same. */
function countCommonTail(bytes: DataView, aEnd: number, bEnd: number, most: number): number {
  let common = 0;
  while (common + 4 <= most && bytes.getInt32(aEnd - common - 4) === bytes.getInt32(bEnd - common - 4)) common += 4;
  while (common < most && bytes.getUint8(aEnd - common - 1) === bytes.getUint8(bEnd - common - 1)) common += 1;
  return common;
}

/** Up to it, whole numbers are divided as such, which takes a fraction of the time. */
const INT_MAX = 2 ** 31 - 1;

/** A whole number up to 15 digits. @returns how many */
function writeDigits(digits: Uint8Array, value: number): number {
  let count = 1;
  for (let bound = 10; bound <= value; bound *= 10) count += 1;
  let place = count - 1;
  let high = value;
  for (; high > INT_MAX; place--) {
    const next = Math.floor(high / 10);
    digits[place] = ZERO + (high - next * 10);
    high = next;
  }
  for (let rest = high | 0; place >= 0; place--) {
    const next = (rest / 10) | 0;
    digits[place] = ZERO + (rest - next * 10);
    rest = next;
  }
  return count;
}
