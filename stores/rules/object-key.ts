/** What may be a key: 1 to 1,024 bytes of UTF-8, and nothing else is asked of it. A key is never read as a path. */
import { KEY_BYTES_MAX } from '../../core/limits.ts';
import { isWellFormed } from '../../core/utf8-order.ts';
import { refused } from './refusals.ts';

/**
 * Passes the key, or throws store_refused: InvalidArgument when it is empty, InvalidURI when it has no UTF-8 form,
 * KeyTooLongError above 1,024 bytes.
 */
export function checkKey(key: string): void {
  if (key.length === 0) {
    throw refused('InvalidArgument', 400, 'a key has at least one character');
  }
  checkText('key', key);
  // A UTF-16 unit is at most three bytes of UTF-8, so most keys need no counting.
  if (key.length * 3 > KEY_BYTES_MAX) {
    const sizeBytes = Buffer.byteLength(key, 'utf8');
    if (sizeBytes > KEY_BYTES_MAX) {
      throw refused('KeyTooLongError', 400, 'the key is too long', { sizeBytes, maxBytes: KEY_BYTES_MAX });
    }
  }
}

/** Prefixes, delimiters and start-after may be any text that has a UTF-8 form. */
export function checkText(name: string, value: string): void {
  if (!isWellFormed(value)) {
    throw refused('InvalidURI', 400, `the ${name} is not valid UTF-8`);
  }
}
