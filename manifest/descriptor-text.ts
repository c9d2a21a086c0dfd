/**
 * Reads along a body of canonical descriptors without parsing it: whether the next one is that of a given object. For an object that
 * stands where it is expected that is a comparison of text, and nothing is made of it; a listing of 10,000 keys is held against a chunk
 * in a millisecond.
 *
 * The text of a descriptor is made from an object by a function that keeps different objects apart (`printDescriptor`), so equal text
 * means an equal object. A string that JSON prints as it is holds no backslash and is equal to its text; one that is equal to a text
 * without being printed as it is would have to hold one.
 */
const BETWEEN = ',';

export class DescriptorText {
  readonly #text: string;
  readonly #head: string;
  #at = 0;

  /** @param text canonical descriptors of this bucket joined by ','; '' for none */
  constructor(text: string, bucket: string) {
    this.#text = text;
    this.#head = `{"bucket":${JSON.stringify(bucket)},"etag":"`;
  }

  /** Moves behind the next descriptor and returns true, if it is that of this object, which has no version id. */
  accept(key: string, etag: string, sizeBytes: number): boolean {
    const from = this.#at;
    const isNext =
      (from === 0 || this.#skip(BETWEEN)) &&
      this.#skip(this.#head) &&
      this.#skipString(etag) &&
      this.#skip('","key":"') &&
      this.#skipString(key) &&
      this.#skip('","size":') &&
      this.#skip(String(sizeBytes)) &&
      this.#skip('}');
    if (!isNext) this.#at = from;
    return isNext;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length;
  }

  #skip(literal: string): boolean {
    if (!this.#text.startsWith(literal, this.#at)) return false;
    this.#at += literal.length;
    return true;
  }

  #skipString(value: string): boolean {
    if (!value.includes('\\') && this.#skip(value)) return true;
    return this.#skip(JSON.stringify(value).slice(1, -1));
  }
}
