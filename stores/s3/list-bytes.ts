/**
 * Reads a page of ListObjectsV2 from its bytes, when it is what S3 and its kin nearly always send: objects one after the other without
 * white space, elements in the usual order, ASCII, plain dates, hexadecimal ETags. At the first thing that is anything else it gives up and
 * returns undefined, and `list-scanner.ts` reads the page; a property test holds the two together.
 *
 * No string is made of the page: at 300 KB it costs more to make and to throw away than to read, and every key cut out of it would keep
 * all of it. What is around the objects is a small page without objects, which the scanner reads.
 */
import type { ETag } from '../../core/ids.ts';
import type { ListedObject } from '../store.ts';
import { scanListAnswer } from './list-scanner.ts';
import { decodeListedKey } from './listed-key.ts';
import { decodeXmlText } from './xml-text.ts';

export interface ScannedPage {
  readonly objects: readonly ListedObject[];
  readonly isTruncated: boolean;
  readonly nextContinuationToken: string | undefined;
}

const toBytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const CONTENTS_END = '</Contents>';
const BEFORE_KEY = toBytes('<Contents><Key>');
const KEY_TO_DATE = toBytes('</Key><LastModified>');
const DATE_TO_ETAG = toBytes('</LastModified><ETag>');
const AFTER_ETAG = toBytes('</ETag>');
const ALGORITHM = toBytes('<ChecksumAlgorithm>');
const ALGORITHM_TO_TYPE = toBytes('</ChecksumAlgorithm><ChecksumType>');
const AFTER_TYPE = toBytes('</ChecksumType>');
const BEFORE_SIZE = toBytes('<Size>');
const AFTER_SIZE = toBytes('</Size>');
const STORAGE = toBytes('<StorageClass>');
const AFTER_STORAGE = toBytes('</StorageClass>');
const END = toBytes(CONTENTS_END);
const QUOTE = toBytes('&quot;');

const LESS = 0x3c;
const GREATER = 0x3e;
const AMPERSAND = 0x26;
const PERCENT = 0x25;
const PLUS = 0x2b;
const ZERO = 0x30;
/** As the slower readers take it. */
const SIZE_DIGITS_MAX = 15;
const FAILED = -1;
/** A key of 1,024 bytes, each encoded as three. */
const SCRATCH_BYTES = 3072;

export function scanListBytes(bytes: Uint8Array): ScannedPage | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const from = buffer.indexOf('<Contents>');
  const to = buffer.lastIndexOf(CONTENTS_END) + CONTENTS_END.length;
  if (from < 0 || to <= from) return undefined;
  const head = buffer.subarray(0, from);
  if (!isBetweenElements(head.toString('latin1'))) return undefined;
  const around = scanListAnswer(Buffer.concat([head, buffer.subarray(to)]));
  if (around === undefined || around.objects.length > 0 || around.commonPrefixes.length > 0) return undefined;
  const reader = new ObjectReader(buffer, from, around.urlEncoded);
  const objects: ListedObject[] = [];
  while (reader.at < to) {
    const object = reader.next();
    if (object === undefined) return undefined;
    objects.push(object);
  }
  if (reader.at !== to) return undefined;
  return { objects, isTruncated: around.isTruncated, nextContinuationToken: around.nextContinuationToken };
}

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

class ObjectReader {
  at: number;
  readonly #bytes: Buffer;
  readonly #urlEncoded: boolean;
  readonly #scratch = Buffer.allocUnsafe(SCRATCH_BYTES);
  /** Of the last date, for the next mostly has the same. */
  #dayNumber = -1;
  #dayMs = 0;

  constructor(bytes: Buffer, at: number, urlEncoded: boolean) {
    this.#bytes = bytes;
    this.at = at;
    this.#urlEncoded = urlEncoded;
  }

  next(): ListedObject | undefined {
    if (!this.#accept(BEFORE_KEY)) return undefined;
    const key = this.#readKey();
    if (key === undefined || !this.#accept(KEY_TO_DATE)) return undefined;
    const lastModifiedMs = this.#readDate();
    if (lastModifiedMs === FAILED || !this.#accept(DATE_TO_ETAG)) return undefined;
    const etag = this.#readETag();
    if (etag === undefined || !this.#accept(AFTER_ETAG)) return undefined;
    if (
      this.#accept(ALGORITHM) &&
      !(this.#skipName() && this.#accept(ALGORITHM_TO_TYPE) && this.#skipName() && this.#accept(AFTER_TYPE))
    ) {
      return undefined;
    }
    if (!this.#accept(BEFORE_SIZE)) return undefined;
    const sizeBytes = this.#readSize();
    if (sizeBytes === FAILED || !this.#accept(AFTER_SIZE)) return undefined;
    if (this.#accept(STORAGE) && !(this.#skipName() && this.#accept(AFTER_STORAGE))) return undefined;
    if (!this.#accept(END)) return undefined;
    return { key, sizeBytes, etag: etag as ETag, lastModifiedMs };
  }

  #accept(literal: Uint8Array): boolean {
    const { at } = this;
    const bytes = this.#bytes;
    for (let index = 0; index < literal.length; index++) if (bytes[at + index] !== literal[index]) return false;
    this.at = at + literal.length;
    return true;
  }

  #readKey(): string | undefined {
    const bytes = this.#bytes;
    const from = this.at;
    let at = from;
    let isPlain = true;
    let hasReference = false;
    for (let byte = bytes[at] ?? 0; byte !== LESS; byte = bytes[++at] ?? 0) {
      if (byte < 0x20 || byte > 0x7e || byte === GREATER) return undefined;
      if (byte === PERCENT || byte === PLUS) isPlain = false;
      if (byte === AMPERSAND) hasReference = true;
    }
    this.at = at;
    if (this.#urlEncoded && !isPlain && !hasReference) {
      const length = this.#decodeAscii(from, at);
      if (length !== FAILED) return this.#scratch.toString('latin1', 0, length);
    }
    const text = bytes.toString('latin1', from, at);
    const decoded = hasReference ? decodeXmlText(text) : text;
    if (decoded === undefined || !this.#urlEncoded || (isPlain && !hasReference)) return decoded;
    return decodeListedKey(decoded);
  }

  /**
   * What is url-encoded ASCII, which most of it is ('=' and spaces), for a third of what decodeURIComponent takes. The length of it;
   * FAILED for anything else, and for what is no key for its length.
   */
  #decodeAscii(from: number, to: number): number {
    if (to - from > this.#scratch.length) return FAILED;
    let length = 0;
    for (let at = from; at < to; at++) {
      let byte = this.#bytes[at] ?? 0;
      if (byte === PLUS) byte = 0x20;
      else if (byte === PERCENT) {
        byte = at + 2 < to ? toHexValue(this.#bytes[at + 1]) * 16 + toHexValue(this.#bytes[at + 2]) : NaN;
        if (!(byte < 0x80)) return FAILED;
        at += 2;
      }
      this.#scratch[length++] = byte;
    }
    return length;
  }

  /** Seconds since the epoch in milliseconds, of `2026-03-04T05:06:07Z` or with `.089`; FAILED for any other form. */
  #readDate(): number {
    const bytes = this.#bytes;
    const { at } = this;
    const dayNumber = this.#digits(at, 4) * 10_000 + this.#digits(at + 5, 2) * 100 + this.#digits(at + 8, 2);
    const [hour, minute, second] = [this.#digits(at + 11, 2), this.#digits(at + 14, 2), this.#digits(at + 17, 2)];
    if (bytes[at + 4] !== 0x2d || bytes[at + 7] !== 0x2d || bytes[at + 10] !== 0x54) return FAILED;
    if (bytes[at + 13] !== 0x3a || bytes[at + 16] !== 0x3a) return FAILED;
    // What is no digit is NaN, which no comparison lets pass.
    if (!(dayNumber >= 0 && hour <= 23 && minute <= 59 && second <= 59)) return FAILED;
    let end = at + 19;
    if (bytes[end] === 0x2e) {
      if (Number.isNaN(this.#digits(end + 1, 3))) return FAILED;
      end += 4;
    }
    if (bytes[end] !== 0x5a) return FAILED;
    const dayMs = this.#toDayMs(dayNumber);
    if (Number.isNaN(dayMs)) return FAILED;
    this.at = end + 1;
    return dayMs + ((hour * 60 + minute) * 60 + second) * 1000;
  }

  /** NaN for what is no day, and for one before 1970, where the slower readers round the other way: it is theirs. */
  #toDayMs(dayNumber: number): number {
    if (dayNumber === this.#dayNumber) return this.#dayMs;
    const [year, month, day] = [Math.floor(dayNumber / 10_000), Math.floor(dayNumber / 100) % 100, dayNumber % 100];
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31) return NaN;
    const dayMs = Date.UTC(year, month - 1, day);
    // The 31st of a month that has 30 days is another day.
    if (day > 28 && new Date(dayMs).getUTCDate() !== day) return NaN;
    this.#dayMs = dayMs;
    this.#dayNumber = dayNumber;
    return dayMs;
  }

  #digits(at: number, count: number): number {
    let value = 0;
    for (let index = at; index < at + count; index++) {
      const digit = (this.#bytes[index] ?? 0) - ZERO;
      if (digit < 0 || digit > 9) return NaN;
      value = value * 10 + digit;
    }
    return value;
  }

  #readETag(): string | undefined {
    const bytes = this.#bytes;
    const isReference = this.#accept(QUOTE);
    if (!isReference && bytes[this.at] === 0x22) this.at += 1;
    else if (!isReference) return undefined;
    const from = this.at;
    if (!this.#skipName()) return undefined;
    const text = bytes.toString('latin1', from, this.at);
    if (isReference) return this.#accept(QUOTE) ? text : undefined;
    if (bytes[this.at] !== 0x22) return undefined;
    this.at += 1;
    return text;
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

  /** Letters, digits, '-' and '_', at least one. */
  #skipName(): boolean {
    const bytes = this.#bytes;
    let { at } = this;
    for (;;) {
      const byte = bytes[at] ?? 0;
      const isName =
        (byte >= 0x30 && byte <= 0x39) ||
        ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a) ||
        byte === 0x2d ||
        byte === 0x5f;
      if (!isName) break;
      at += 1;
    }
    const isSome = at > this.at;
    this.at = at;
    return isSome;
  }
}
