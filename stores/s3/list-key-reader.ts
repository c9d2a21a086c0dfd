/**
 * Reads the keys of a page of ListObjectsV2 from its bytes into a column: decoded once, as UTF-8, without a string for any of them.
 * Whether it is UTF-8 that was decoded is for whoever has the whole column; `isAscii` says when there is nothing to ask.
 */
import { countCommon } from '../../core/object-columns.ts';
import { isWellFormed } from '../../core/utf8-order.ts';
import { decodeListedKey } from './listed-key.ts';
import { decodeXmlText } from './xml-text.ts';

const LESS = 0x3c;
const GREATER = 0x3e;
const AMPERSAND = 0x26;
const PERCENT = 0x25;
const PLUS = 0x2b;

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

/** NaN for what is no hexadecimal digit. */
function toHexValue(byte: number | undefined): number {
  if (byte === undefined) return NaN;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : NaN;
}

export class ListKeyReader {
  isAscii = true;
  /** Where the text of the last key ends in the column. */
  textEnd = 0;
  readonly #bytes: Buffer;
  readonly #view: DataView;
  readonly #length: number;
  readonly #urlEncoded: boolean;
  readonly #text: Buffer;
  readonly #textView: DataView;
  /** The last key: where it stands, where its text does, how far it was encoded, and how much shorter its text is for it. */
  #keyFrom = 0;
  #keyTo = 0;
  #keyText = 0;
  #encoded = 0;
  #shorter = 0;

  /** @param text the column: at least as long as all that is read */
  constructor(bytes: Buffer, text: Buffer, urlEncoded: boolean) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    // `byteLength` of a view costs a call.
    this.#length = bytes.byteLength;
    this.#urlEncoded = urlEncoded;
    this.#text = text;
    this.#textView = new DataView(text.buffer, text.byteOffset, text.byteLength);
  }

  /**
   * The key that stands at `from`, into the text from `textFrom` on. What it begins with as the one before it did is taken over, four
   * bytes at a time; the rest is looked at byte by byte.
   * @returns where the '<' behind it stands; -1 for what is no such key
   */
  read(from: number, textFrom: number): number {
    const bytes = this.#bytes;
    const text = this.#text;
    const restFrom = from + this.#takeShared(from, textFrom);
    let at = restFrom;
    let length = this.textEnd;
    let seen = PLAIN;
    for (;;) {
      const byte = bytes[at] ?? 0;
      const kind = KINDS[byte] ?? UNUSUAL;
      if (kind === UNUSUAL) break;
      seen |= kind;
      text[length++] = byte;
      at += 1;
    }
    if (bytes[at] !== LESS) return -1;
    this.#keyFrom = from;
    this.#keyTo = at;
    if ((seen & REFERENCE) !== 0) {
      // Nothing is known of where its text comes from.
      this.#keyTo = from;
      return this.#writeReferences(from, at, textFrom) ? at : -1;
    }
    if (this.#urlEncoded && seen !== PLAIN) return this.#writeDecoded(restFrom, at) ? at : -1;
    this.textEnd = length;
    return at;
  }

  /** @returns how much of the key that begins there was taken over: nothing, or at least all up to the last byte that was encoded */
  #takeShared(from: number, textFrom: number): number {
    const source = this.#keyText;
    const before = this.#keyTo - this.#keyFrom;
    this.#keyText = this.textEnd = textFrom;
    const shared = from + before <= this.#length ? countCommon(this.#view, this.#keyFrom, from, before) : 0;
    if (shared < this.#encoded) {
      this.#encoded = this.#shorter = 0;
      return 0;
    }
    const textBytes = shared - this.#shorter;
    // What it copies too much is written over: of a text there is always less than of what it is read from.
    for (let at = 0; at < textBytes; at += 4) {
      this.#textView.setInt32(textFrom + at, this.#textView.getInt32(source + at));
    }
    this.textEnd = textFrom + textBytes;
    return shared;
  }

  /** Decoded once: '+' is a space, and %XX a byte. */
  #writeDecoded(from: number, to: number): boolean {
    const bytes = this.#bytes;
    const text = this.#text;
    let length = this.textEnd;
    for (let at = from; at < to; at++) {
      let byte = bytes[at] ?? 0;
      if (byte === PLUS) {
        byte = 0x20;
        this.#encoded = at + 1 - this.#keyFrom;
      } else if (byte === PERCENT) {
        byte = at + 2 < to ? toHexValue(bytes[at + 1]) * 16 + toHexValue(bytes[at + 2]) : NaN;
        if (Number.isNaN(byte)) return false;
        if (byte >= 0x80) this.isAscii = false;
        at += 2;
        this.#encoded = at + 1 - this.#keyFrom;
        this.#shorter += 2;
      }
      text[length++] = byte;
    }
    this.textEnd = length;
    return true;
  }

  /** Rare: with encoding-type=url there is nothing left to be escaped. */
  #writeReferences(from: number, to: number, textFrom: number): boolean {
    const text = decodeXmlText(this.#bytes.toString('latin1', from, to));
    const key = text === undefined || !this.#urlEncoded ? text : decodeListedKey(text);
    if (key === undefined || !isWellFormed(key)) return false;
    const length = this.#text.write(key, textFrom);
    if (length !== key.length) this.isAscii = false;
    this.textEnd = textFrom + length;
    return true;
  }
}
