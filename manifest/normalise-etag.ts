/** One spelling for each ETag, so that a provider's formatting never changes a manifest. */
import type { ETag } from '../core/ids.ts';

/**
 * Trims, then removes an opening and a closing quote, each where it stands, when what is between is not empty and holds no quote.
 * Every other form (weak, empty, quoted twice) is only trimmed. Case is kept: an ETag is not a hash.
 */
export function normaliseEtag(etag: string): ETag {
  // Nearly every one has nothing at either end to remove, and this is asked for every object of a listing.
  if (isPlain(etag.charCodeAt(0)) && isPlain(etag.charCodeAt(etag.length - 1))) return etag as ETag;
  const trimmed = etag.trim();
  const start = trimmed.startsWith('"') ? 1 : 0;
  const end = trimmed.endsWith('"') ? trimmed.length - 1 : trimmed.length;
  const inner = trimmed.slice(start, end);
  return (inner === '' || inner.includes('"') ? trimmed : inner) as ETag;
}

/** ASCII, neither white space nor a quote; what no character has (NaN) is not. */
const isPlain = (unit: number): boolean => unit > 0x20 && unit < 0x7f && unit !== 0x22;
