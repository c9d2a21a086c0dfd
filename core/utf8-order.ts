/**
 * The order of keys: by code point, which is the order of their UTF-8 bytes, of S3's listings and of Postgres's `collate "C"`.
 * JavaScript's `<` and `sort()` compare UTF-16 units and put every character beyond the BMP before U+E000: never use them on keys.
 */

/** Negative, zero or positive as `a` sorts before, with or after `b`. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const x = a.charCodeAt(index);
    const y = b.charCodeAt(index);
    if (x !== y) {
      // A surrogate stands for a code point above every other unit, so units 0xD800-0xDFFF move behind 0xE000-0xFFFF.
      return rank(x) - rank(y);
    }
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  return unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** True when the string has a UTF-8 form: it holds no lone surrogate. */
export function isWellFormed(value: string): boolean {
  return !/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(value);
}
