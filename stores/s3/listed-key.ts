/**
 * A key as a listing with encoding-type=url spells it, decoded exactly once: '+' is a space, %2B a plus, %25 a percent sign.
 *
 * A key that is not UTF-8 has no text. It comes back with its stray bytes as lone surrogates (stray-bytes.ts), so that the lister
 * sees that it is not well-formed and reports it, instead of reading the object of another key.
 */
import { decodePercent } from '../../sigv4/encode.ts';
import { decodeKeepingStrays } from './stray-bytes.ts';

/** Undefined when a '%' is not followed by two hex digits. */
export function decodeListedKey(text: string): string | undefined {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    const bytes = decodePercent(spaced);
    return bytes === null ? undefined : decodeKeepingStrays(bytes);
  }
}
