/** Which keys can be held everywhere: in S3, in the ledger (Postgres text cannot hold NUL) and in a manifest (which is UTF-8). */
import { KEY_BYTES_MAX } from './limits.ts';
import { isWellFormed } from './utf8-order.ts';

/** True for 1 to 1,024 bytes of UTF-8 without NUL; a key with a lone surrogate has no UTF-8 form. */
export function isSupportedKey(key: string): boolean {
  return key !== '' && !key.includes('\0') && isWellFormed(key) && fitsInBytes(key, KEY_BYTES_MAX);
}

/** True when the well-formed string takes at most `bytesMax` bytes of UTF-8. */
function fitsInBytes(value: string, bytesMax: number): boolean {
  // A UTF-16 unit takes one to three bytes, so most keys are decided by their length alone.
  if (value.length * 3 <= bytesMax) return true;
  if (value.length > bytesMax) return false;
  let bytes = value.length;
  for (let index = 0; index < value.length; index++) {
    const unit = value.charCodeAt(index);
    if (unit < 0x80) continue;
    // A surrogate pair is two units and four bytes: two bytes a unit, like U+0080 to U+07FF.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2;
  }
  return bytes <= bytesMax;
}

/** A key as an outcome tells it: as it is, or percent-encoded where the ledger cannot hold it. */
export function toOutcomeKey(key: string): string {
  if (isSupportedKey(key)) return key;
  // A lone surrogate cannot be encoded either: it is shown as U+FFFD.
  return encodeURIComponent(isWellFormed(key) ? key : key.replace(/[\uD800-\uDFFF]/g, '\uFFFD'));
}
