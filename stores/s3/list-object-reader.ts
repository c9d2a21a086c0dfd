/**
 * Reads the objects of a page of ListObjectsV2 from its bytes, one after the other, into columns: elements in the usual order without
 * white space, ETags of letters and digits. Keys and dates have readers of their own. At anything else it stops, and `next` is false.
 */
import { isUtf8 } from 'node:buffer';
import type { ObjectColumns } from '../../core/object-columns.ts';
import { DATE_BYTES_MIN, ListDateReader } from './list-date-reader.ts';
import { ListKeyReader } from './list-key-reader.ts';

/** What a page is read into. */
export interface ColumnMemory {
  readonly text: Buffer;
  readonly ends: Uint32Array;
  readonly sizes: Float64Array;
  readonly modifiedMs: Float64Array;
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

export const CONTENTS_END = '</Contents>';
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

const ZERO = 0x30;
const DOUBLE_QUOTE = 0x22;
/** As the slower readers take it. */
const SIZE_DIGITS_MAX = 15;

/** Letters, digits, '-' and '_'. */
const IS_NAME = Uint8Array.from({ length: 256 }, (_, byte) => (/[\w-]/.test(String.fromCharCode(byte)) ? 1 : 0));
/** What stands around the key of the shortest object that is read here, with an ETag and a size of one character. */
const AROUND_KEY = [BEFORE_KEY, KEY_TO_DATE, DATE_TO_ETAG, AFTER_ETAG, BEFORE_SIZE, AFTER_SIZE, END];
export const OBJECT_BYTES_MIN = AROUND_KEY.reduce((sum, { length }) => sum + length, DATE_BYTES_MIN + '"e"1'.length);

export class ListObjectReader {
  /** Where the next one begins. */
  at: number;
  readonly #bytes: Buffer;
  readonly #view: DataView;
  readonly #length: number;
  readonly #keys: ListKeyReader;
  readonly #dates: ListDateReader;
  readonly #text: Buffer;
  #textBytes = 0;
  readonly #ends: Uint32Array;
  readonly #sizes: Float64Array;
  readonly #modifiedMs: Float64Array;
  #count = 0;

  constructor(bytes: Buffer, memory: ColumnMemory, { from, urlEncoded }: { from: number; urlEncoded: boolean }) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#length = bytes.byteLength;
    this.at = from;
    ({ text: this.#text, ends: this.#ends, sizes: this.#sizes, modifiedMs: this.#modifiedMs } = memory);
    this.#keys = new ListKeyReader(bytes, memory.text, urlEncoded);
    this.#dates = new ListDateReader(bytes);
  }

  /** False for what is not in the shape. */
  next(): boolean {
    if (!this.#accept(BEFORE_KEY) || !this.#readKey()) return false;
    const keyEnd = this.#textBytes;
    if (!this.#accept(KEY_TO_DATE) || !this.#readDate() || !this.#accept(DATE_TO_ETAG)) return false;
    if (!this.#readETag() || !this.#accept(AFTER_ETAG)) return false;
    if (
      this.#accept(ALGORITHM) &&
      !(this.#skipName() && this.#accept(ALGORITHM_TO_TYPE) && this.#skipName() && this.#accept(AFTER_TYPE))
    ) {
      return false;
    }
    if (!this.#accept(BEFORE_SIZE)) return false;
    const sizeBytes = this.#readSize();
    if (sizeBytes < 0 || !this.#accept(AFTER_SIZE)) return false;
    if (this.#accept(STORAGE) && !(this.#skipName() && this.#accept(AFTER_STORAGE))) return false;
    if (!this.#accept(END)) return false;
    const index = this.#count++;
    this.#ends[2 * index] = keyEnd;
    this.#ends[2 * index + 1] = this.#textBytes;
    this.#sizes[index] = sizeBytes;
    this.#modifiedMs[index] = this.#dates.dateMs;
    return true;
  }

  /** What was read, where it was read into; undefined when a key is no UTF-8: what to make of it is for the slower readers. */
  finish(): ObjectColumns | undefined {
    const text = this.#text.subarray(0, this.#textBytes);
    const { isAscii } = this.#keys;
    if (!isAscii && !isUtf8(text)) return undefined;
    const count = this.#count;
    return {
      count,
      text,
      isAscii,
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

  #readKey(): boolean {
    const end = this.#keys.read(this.at, this.#textBytes);
    if (end < 0) return false;
    this.at = end;
    this.#textBytes = this.#keys.textEnd;
    return true;
  }

  #readDate(): boolean {
    const end = this.#dates.read(this.at);
    if (end < 0) return false;
    this.at = end;
    return true;
  }

  #readETag(): boolean {
    const isReference = this.#accept(QUOTE);
    if (!isReference && this.#bytes[this.at] === DOUBLE_QUOTE) this.at += 1;
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
    if (this.#bytes[this.at] !== DOUBLE_QUOTE) return false;
    this.at += 1;
    return true;
  }

  /** -1 for what is none. */
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
    return digits > 0 && digits <= SIZE_DIGITS_MAX ? value : -1;
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
