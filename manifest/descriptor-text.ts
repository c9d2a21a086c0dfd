/**
 * Reads along a body of canonical descriptors without parsing it: whether the next one is that of a given object. For an object in columns
 * that stands where it is expected that is a comparison of bytes, and nothing is made of it.
 *
 * The text of a descriptor is made from an object by a function that keeps different objects apart (`printDescriptor`), so equal text
 * means an equal object. A value that JSON would escape is never compared as it is: a key may hold what looks like the end of one
 * descriptor and the beginning of the next.
 */
import { keyAt, keyEnd, keyStart, type ObjectColumns } from '../core/object-columns.ts';
import { AFTER_ETAG, AFTER_KEY, BACKSLASH, END, QUOTE, SPACE, toDescriptorHead, ZERO } from './descriptor-bytes.ts';

const COMMA = Buffer.from(',');

/** How keys of a listing, which all begin with `from`, stand in the descriptors: with `to` instead. */
export class Renaming {
  readonly from: string;
  readonly to: string;
  /** In bytes. */
  readonly fromLength: number;
  /** Null where JSON would escape it. */
  readonly printed: Buffer | null;

  constructor(from: string, to: string) {
    this.from = from;
    this.to = to;
    this.fromLength = Buffer.byteLength(from);
    this.printed = JSON.stringify(to) === `"${to}"` ? Buffer.from(to) : null;
  }

  rename(key: string): string {
    return this.to + key.slice(this.from.length);
  }
}

export class DescriptorText {
  readonly #text: Uint8Array;
  readonly #head: Buffer;
  #at = 0;

  /** @param text canonical descriptors of this bucket joined by ','; empty for none */
  constructor(text: Uint8Array, bucket: string) {
    this.#text = text;
    this.#head = toDescriptorHead(bucket);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.byteLength;
  }

  /** Moves behind the next descriptor and returns true, if it is that of this object, which has no version id. */
  accept(key: string, etag: string, sizeBytes: number): boolean {
    const value = (text: string): string => JSON.stringify(text).slice(1, -1);
    const rest = `${value(etag)}","key":"${value(key)}","size":${String(sizeBytes)}}`;
    const from = this.#at;
    if (this.#skipHead() && this.#skip(Buffer.from(rest))) return true;
    this.#at = from;
    return false;
  }

  /** The same of an object in columns, of which no string is made. */
  acceptColumns(columns: ObjectColumns, index: number, renaming: Renaming): boolean {
    const { text, ends, sizes } = columns;
    const { printed, fromLength } = renaming;
    const [start, end, etagEnd] = [keyStart(columns, index), keyEnd(columns, index), ends[2 * index + 1] ?? 0];
    const size = sizes[index] ?? 0;
    const from = this.#at;
    if (
      printed !== null &&
      this.#skipHead() &&
      this.#skipPlain(text, end, etagEnd) &&
      this.#skip(AFTER_ETAG) &&
      this.#skip(printed) &&
      this.#skipPlain(text, start + fromLength, end) &&
      this.#skip(AFTER_KEY) &&
      this.#skipNumber(size) &&
      this.#skip(END)
    ) {
      return true;
    }
    this.#at = from;
    return this.accept(renaming.rename(keyAt(columns, index)), text.toString('latin1', end, etagEnd), size);
  }

  #skipHead(): boolean {
    return (this.#at === 0 || this.#skip(COMMA)) && this.#skip(this.#head);
  }

  #skip(bytes: Uint8Array): boolean {
    const text = this.#text;
    const at = this.#at;
    for (let index = 0; index < bytes.length; index++) if (text[at + index] !== bytes[index]) return false;
    this.#at = at + bytes.length;
    return true;
  }

  /** Of bytes that JSON prints as they are; false where there is another. */
  #skipPlain(bytes: Uint8Array, start: number, end: number): boolean {
    const text = this.#text;
    const at = this.#at - start;
    for (let index = start; index < end; index++) {
      const byte = bytes[index] as number;
      if (text[at + index] !== byte || byte === QUOTE || byte === BACKSLASH || byte < SPACE) return false;
    }
    this.#at = at + end;
    return true;
  }

  /** Of a whole number up to 15 digits. */
  #skipNumber(value: number): boolean {
    let read = 0;
    let at = this.#at;
    for (let digit = this.#digitAt(at); digit >= 0; digit = this.#digitAt(at)) {
      read = 10 * read + digit;
      at += 1;
    }
    if (at === this.#at || read !== value) return false;
    this.#at = at;
    return true;
  }

  /** Negative where there is none. */
  #digitAt(at: number): number {
    const digit = (this.#text[at] ?? 0) - ZERO;
    return digit <= 9 ? digit : -1;
  }
}
