/**
 * Reads a page of ListObjectsV2 from its bytes, when it is what S3 and its kin nearly always send: objects one after the other without
 * white space, elements in the usual order, ASCII, plain dates, hexadecimal ETags. At the first thing that is anything else it gives up and
 * returns undefined, and `list-scanner.ts` reads the page; a property test holds the two together.
 *
 * No string is made of the page, nor of what is in it: to make and throw away costs more than to read. Keys are decoded into columns of
 * bytes (core/object-columns.ts). What is around the objects is a small page without objects, which the scanner reads.
 */
import { isUtf8 } from 'node:buffer';
import { KiB } from '../../core/limits.ts';
import { countCommon, type ObjectColumns } from '../../core/object-columns.ts';
import { isWellFormed } from '../../core/utf8-order.ts';
import { scanListAnswer } from './list-scanner.ts';
import { decodeListedKey } from './listed-key.ts';
import { decodeXmlText } from './xml-text.ts';

export interface ScannedPage {
  readonly columns: ObjectColumns;
  readonly isTruncated: boolean;
  readonly nextContinuationToken: string | undefined;
  /** Where the columns were lent: once, by whoever is done with them; they change then. */
  readonly giveBack?: () => void;
}

/** ASCII of at least four bytes, four at a time: the last four overlap those before where the length is no multiple. */
interface Literal {
  readonly length: number;
  readonly words: Int32Array;
}

function toLiteral(text: string): Literal {
  const view = new DataView(new TextEncoder().encode(text).buffer);
  const count = Math.ceil(text.length / 4);
  const at = (index: number): number => Math.min(4 * index, text.length - 4);
  return { length: text.length, words: Int32Array.from({ length: count }, (_, index) => view.getInt32(at(index))) };
}

const CONTENTS_END = '</Contents>';
const BEFORE_KEY = toLiteral('<Contents><Key>');
const KEY_TO_DATE = toLiteral('</Key><LastModified>');
const DATE_TO_ETAG = toLiteral('</LastModified><ETag>');
const AFTER_ETAG = toLiteral('</ETag>');
const ALGORITHM = toLiteral('<ChecksumAlgorithm>');
const ALGORITHM_TO_TYPE = toLiteral('</ChecksumAlgorithm><ChecksumType>');
const AFTER_TYPE = toLiteral('</ChecksumType>');
const BEFORE_SIZE = toLiteral('<Size>');
const AFTER_SIZE = toLiteral('</Size>');
const STORAGE = toLiteral('<StorageClass>');
const AFTER_STORAGE = toLiteral('</StorageClass>');
const END = toLiteral(CONTENTS_END);
const QUOTE = toLiteral('&quot;');

const LESS = 0x3c;
const GREATER = 0x3e;
const AMPERSAND = 0x26;
const PERCENT = 0x25;
const PLUS = 0x2b;
const ZERO = 0x30;
/** As the slower readers take it. */
const SIZE_DIGITS_MAX = 15;
const FAILED = -1;
const DATE_BYTES_MIN = '2026-01-01T00:00:00Z'.length;

/** Of the bytes of a key; bits, so that many can be looked at as one. */
const PLAIN = 0;
const ENCODED = 1;
const REFERENCE = 2;
/** Among them the '<' that ends it. */
const UNUSUAL = 4;
const KINDS = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte < 0x20 || byte > 0x7e || byte === GREATER || byte === LESS) return UNUSUAL;
  return byte === AMPERSAND ? REFERENCE : byte === PERCENT || byte === PLUS ? ENCODED : PLAIN;
});
/** Letters, digits, '-' and '_'. */
const IS_NAME = Uint8Array.from({ length: 256 }, (_, byte) => (/[\w-]/.test(String.fromCharCode(byte)) ? 1 : 0));
/** What stands around the key of the shortest object that is read here, with an ETag and a size of one character. */
const OBJECT_BYTES_MIN = [BEFORE_KEY, KEY_TO_DATE, DATE_TO_ETAG, AFTER_ETAG, BEFORE_SIZE, AFTER_SIZE, END].reduce(
  (sum, { length }) => sum + length,
  DATE_BYTES_MIN + '"e"1'.length,
);

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
  const memory = takeMemory(to - from);
  const columns = readColumns(new ObjectReader(buffer, memory, { from, urlEncoded: around.urlEncoded }), to);
  if (columns === undefined || !isLent) freeMemory.push(memory);
  if (columns === undefined) return undefined;
  const { isTruncated, nextContinuationToken } = around;
  return isLent
    ? { columns, isTruncated, nextContinuationToken, giveBack: () => freeMemory.push(memory) }
    : { columns: copyColumns(columns), isTruncated, nextContinuationToken };
}

function readColumns(reader: ObjectReader, to: number): ObjectColumns | undefined {
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

/** NaN for what is no hexadecimal digit. */
function toHexValue(byte: number | undefined): number {
  if (byte === undefined) return NaN;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : NaN;
}

/** Enough for most pages, so that a short one leaves nothing that the next does not fit into. */
const MEMORY_BYTES_MIN = 512 * KiB;

/** What a page is read into. */
interface ColumnMemory {
  readonly text: Buffer;
  readonly ends: Uint32Array;
  readonly sizes: Float64Array;
  readonly modifiedMs: Float64Array;
}

/** Nearly always one or two: a page is read at once, and what was lent comes back before the next one. */
const freeMemory: ColumnMemory[] = [];

/** For a page of so many bytes: of what is decoded none is longer than it was. */
function takeMemory(bytes: number): ColumnMemory {
  const free = freeMemory.pop();
  if (free !== undefined && free.text.length >= bytes) return free;
  const textBytes = Math.max(bytes, MEMORY_BYTES_MIN);
  const most = Math.ceil(textBytes / OBJECT_BYTES_MIN);
  return {
    text: Buffer.allocUnsafeSlow(textBytes),
    ends: new Uint32Array(2 * most),
    sizes: new Float64Array(most),
    modifiedMs: new Float64Array(most),
  };
}

/** Of 20260304; NaN for what is no day, and for one before 1970, where the slower readers round the other way: it is theirs. */
function toDayMs(dayNumber: number): number {
  const [year, month, day] = [Math.floor(dayNumber / 10_000), Math.floor(dayNumber / 100) % 100, dayNumber % 100];
  if (!(year >= 1970) || month < 1 || month > 12 || day < 1 || day > 31) return NaN;
  const dayMs = Date.UTC(year, month - 1, day);
  // The 31st of a month that has 30 days is another day.
  return day > 28 && new Date(dayMs).getUTCDate() !== day ? NaN : dayMs;
}

class ObjectReader {
  at: number;
  readonly #bytes: Buffer;
  readonly #view: DataView;
  readonly #length: number;
  readonly #urlEncoded: boolean;
  readonly #text: Buffer;
  readonly #textView: DataView;
  #textBytes = 0;
  #isAscii = true;
  readonly #ends: Uint32Array;
  readonly #sizes: Float64Array;
  readonly #modifiedMs: Float64Array;
  #count = 0;
  /** The last key: where it stands, where its text does, how far it was encoded, and how much shorter its text is for it. */
  #keyFrom = 0;
  #keyTo = 0;
  #keyText = 0;
  #encoded = 0;
  #shorter = 0;
  /** The day of the last date and where it stands, for the next mostly has the same. */
  #dayMs = 0;
  #dayAt = -1;

  constructor(bytes: Buffer, memory: ColumnMemory, { from, urlEncoded }: { from: number; urlEncoded: boolean }) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#length = bytes.byteLength;
    this.at = from;
    this.#urlEncoded = urlEncoded;
    ({ text: this.#text, ends: this.#ends, sizes: this.#sizes, modifiedMs: this.#modifiedMs } = memory);
    this.#textView = new DataView(this.#text.buffer, this.#text.byteOffset, this.#text.byteLength);
  }

  /** False for what is not in the shape. */
  next(): boolean {
    if (!this.#accept(BEFORE_KEY) || !this.#readKey()) return false;
    const keyEnd = this.#textBytes;
    if (!this.#accept(KEY_TO_DATE)) return false;
    const lastModifiedMs = this.#readDate();
    if (lastModifiedMs === FAILED || !this.#accept(DATE_TO_ETAG)) return false;
    if (!this.#readETag() || !this.#accept(AFTER_ETAG)) return false;
    if (
      this.#accept(ALGORITHM) &&
      !(this.#skipName() && this.#accept(ALGORITHM_TO_TYPE) && this.#skipName() && this.#accept(AFTER_TYPE))
    ) {
      return false;
    }
    if (!this.#accept(BEFORE_SIZE)) return false;
    const sizeBytes = this.#readSize();
    if (sizeBytes === FAILED || !this.#accept(AFTER_SIZE)) return false;
    if (this.#accept(STORAGE) && !(this.#skipName() && this.#accept(AFTER_STORAGE))) return false;
    if (!this.#accept(END)) return false;
    const index = this.#count++;
    this.#ends[2 * index] = keyEnd;
    this.#ends[2 * index + 1] = this.#textBytes;
    this.#sizes[index] = sizeBytes;
    this.#modifiedMs[index] = lastModifiedMs;
    return true;
  }

  /** What was read, where it was read into; undefined when a key is no UTF-8: what to make of it is for the slower readers. */
  finish(): ObjectColumns | undefined {
    const text = this.#text.subarray(0, this.#textBytes);
    if (!this.#isAscii && !isUtf8(text)) return undefined;
    const count = this.#count;
    return {
      count,
      text,
      isAscii: this.#isAscii,
      ends: this.#ends.subarray(0, 2 * count),
      sizes: this.#sizes.subarray(0, count),
      modifiedMs: this.#modifiedMs.subarray(0, count),
    };
  }

  #accept({ length, words }: Literal): boolean {
    const { at } = this;
    const view = this.#view;
    const end = at + length;
    // `byteLength` of a view costs a call.
    if (end > this.#length) return false;
    const final = words.length - 1;
    for (let index = 0; index < final; index++) {
      if (view.getInt32(at + 4 * index) !== words[index]) return false;
    }
    if (view.getInt32(end - 4) !== words[final]) return false;
    this.at = end;
    return true;
  }

  /** What a key begins with as the one before it did is taken over, four bytes at a time; the rest is looked at byte by byte. */
  #readKey(): boolean {
    const bytes = this.#bytes;
    const text = this.#text;
    const from = this.at;
    const shared = this.#takeShared(from);
    const restFrom = from + shared;
    let at = restFrom;
    let length = this.#textBytes;
    let seen = PLAIN;
    for (;;) {
      const byte = bytes[at] ?? 0;
      const kind = KINDS[byte] ?? UNUSUAL;
      if (kind === UNUSUAL) break;
      seen |= kind;
      text[length++] = byte;
      at += 1;
    }
    if (bytes[at] !== LESS) return false;
    this.at = at;
    this.#keyFrom = from;
    this.#keyTo = at;
    if ((seen & REFERENCE) !== 0) {
      // Nothing is known of where its text comes from.
      this.#keyTo = from;
      this.#textBytes = this.#keyText;
      return this.#writeReferences(from, at);
    }
    if (this.#urlEncoded && seen !== PLAIN) return this.#writeDecoded(restFrom, at);
    this.#textBytes = length;
    return true;
  }

  /** @returns how much of the key that begins there was taken over: nothing, or at least all up to the last byte that was encoded */
  #takeShared(from: number): number {
    const source = this.#keyText;
    const before = this.#keyTo - this.#keyFrom;
    const target = (this.#keyText = this.#textBytes);
    const shared = from + before <= this.#length ? countCommon(this.#view, this.#keyFrom, from, before) : 0;
    if (shared < this.#encoded) {
      this.#encoded = this.#shorter = 0;
      return 0;
    }
    const textBytes = shared - this.#shorter;
    // What it copies too much is written over: of a text there is always less than of what it is read from.
    for (let at = 0; at < textBytes; at += 4) {
      this.#textView.setInt32(target + at, this.#textView.getInt32(source + at));
    }
    this.#textBytes = target + textBytes;
    return shared;
  }

  /** Decoded once: '+' is a space, and %XX a byte. */
  #writeDecoded(from: number, to: number): boolean {
    const bytes = this.#bytes;
    const text = this.#text;
    let length = this.#textBytes;
    for (let at = from; at < to; at++) {
      let byte = bytes[at] ?? 0;
      if (byte === PLUS) {
        byte = 0x20;
        this.#encoded = at + 1 - this.#keyFrom;
      } else if (byte === PERCENT) {
        byte = at + 2 < to ? toHexValue(bytes[at + 1]) * 16 + toHexValue(bytes[at + 2]) : NaN;
        if (Number.isNaN(byte)) return false;
        if (byte >= 0x80) this.#isAscii = false;
        at += 2;
        this.#encoded = at + 1 - this.#keyFrom;
        this.#shorter += 2;
      }
      text[length++] = byte;
    }
    this.#textBytes = length;
    return true;
  }

  /** Rare: with encoding-type=url there is nothing left to be escaped. */
  #writeReferences(from: number, to: number): boolean {
    const text = decodeXmlText(this.#bytes.toString('latin1', from, to));
    const key = text === undefined || !this.#urlEncoded ? text : decodeListedKey(text);
    if (key === undefined || !isWellFormed(key)) return false;
    const length = this.#text.write(key, this.#textBytes);
    if (length !== key.length) this.#isAscii = false;
    this.#textBytes += length;
    return true;
  }

  /** Seconds since the epoch in milliseconds, of `2026-03-04T05:06:07Z` or with `.089`; FAILED for any other form. */
  #readDate(): number {
    const bytes = this.#bytes;
    const { at } = this;
    const dayMs = this.#readDay(at);
    const hour = this.#twoDigits(at + 11);
    const minute = this.#twoDigits(at + 14);
    const second = this.#twoDigits(at + 17);
    if (bytes[at + 13] !== 0x3a || bytes[at + 16] !== 0x3a) return FAILED;
    // What is no digit is NaN, which no comparison lets pass.
    if (!(dayMs >= 0 && hour <= 23 && minute <= 59 && second <= 59)) return FAILED;
    let end = at + 19;
    if (bytes[end] === 0x2e) {
      // The middle one is looked at twice.
      if (Number.isNaN(this.#twoDigits(end + 1) + this.#twoDigits(end + 2))) return FAILED;
      end += 4;
    }
    if (bytes[end] !== 0x5a) return FAILED;
    this.at = end + 1;
    return dayMs + ((hour * 60 + minute) * 60 + second) * 1000;
  }

  /** Of `2026-03-04T`, in milliseconds; NaN for any other form. */
  #readDay(at: number): number {
    const view = this.#view;
    const before = this.#dayAt;
    if (at + DATE_BYTES_MIN > this.#length) return NaN;
    const isSame =
      before >= 0 &&
      view.getInt32(at) === view.getInt32(before) &&
      view.getInt32(at + 4) === view.getInt32(before + 4) &&
      view.getInt32(at + 7) === view.getInt32(before + 7);
    if (isSame) return this.#dayMs;
    const bytes = this.#bytes;
    const year = this.#twoDigits(at) * 100 + this.#twoDigits(at + 2);
    const dayNumber = year * 10_000 + this.#twoDigits(at + 5) * 100 + this.#twoDigits(at + 8);
    if (bytes[at + 4] !== 0x2d || bytes[at + 7] !== 0x2d || bytes[at + 10] !== 0x54) return NaN;
    const dayMs = toDayMs(dayNumber);
    if (Number.isNaN(dayMs)) return NaN;
    this.#dayAt = at;
    return (this.#dayMs = dayMs);
  }

  /** NaN for what is none. */
  #twoDigits(at: number): number {
    const tens = (this.#bytes[at] ?? 0) - ZERO;
    const ones = (this.#bytes[at + 1] ?? 0) - ZERO;
    return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? NaN : tens * 10 + ones;
  }

  #readETag(): boolean {
    const isReference = this.#accept(QUOTE);
    if (!isReference && this.#bytes[this.at] === 0x22) this.at += 1;
    else if (!isReference) return false;
    const bytes = this.#bytes;
    const text = this.#text;
    let { at } = this;
    let length = this.#textBytes;
    for (let byte = bytes[at] ?? 0; IS_NAME[byte] === 1; byte = bytes[++at] ?? 0) text[length++] = byte;
    if (at === this.at) return false;
    this.at = at;
    this.#textBytes = length;
    if (isReference) return this.#accept(QUOTE);
    if (this.#bytes[this.at] !== 0x22) return false;
    this.at += 1;
    return true;
  }

  #readSize(): number {
    const from = this.at;
    let value = 0;
    for (;;) {
      const digit = (this.#bytes[this.at] ?? 0) - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
      this.at += 1;
    }
    const digits = this.at - from;
    return digits > 0 && digits <= SIZE_DIGITS_MAX ? value : FAILED;
  }

  /** At least one. */
  #skipName(): boolean {
    const bytes = this.#bytes;
    let { at } = this;
    while (IS_NAME[bytes[at] ?? 0] === 1) at += 1;
    const isSome = at > this.at;
    this.at = at;
    return isSome;
  }
}
