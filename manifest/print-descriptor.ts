/**
 * The canonical JSON of one descriptor: members sorted by name, no white space, nothing escaped but what JSON must escape. It is
 * called once for every object of a listing. `JSON.stringify` writes members in the order in which they were made and escapes as
 * the schema wants, so a plain object made in sorted order is all it takes: 0.4 s a million, where joining strings that a pattern
 * or a loop had found harmless took 0.5 to 0.7 s.
 */
import { WaybillError } from '../core/failures.ts';
import { isWellFormed } from '../core/utf8-order.ts';
import type { Descriptor } from './descriptor.ts';

/**
 * `{"bucket":…,"etag":…,"key":…,"size":…[,"version_id":…]}`.
 * @throws unsupported_key for a key with a lone surrogate; invalid_manifest_line for a size that is not an integer from 0 to
 * 2^53 - 1, and for another member with a lone surrogate
 */
export function printDescriptor(descriptor: Descriptor): string {
  const { bucket, etag, key, sizeBytes, versionId } = descriptor;
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) {
    throw new WaybillError('invalid_manifest_line', 'a size is an integer from 0 to 9007199254740991', {
      key: JSON.stringify(key),
      size: String(sizeBytes),
    });
  }
  const printed =
    versionId === undefined
      ? JSON.stringify({ bucket, etag, key, size: sizeBytes })
      : JSON.stringify({ bucket, etag, key, size: sizeBytes, version_id: versionId });
  // A lone surrogate has no UTF-8 form; it alone is printed as \udXXX. So is a key that holds these characters, hence the look.
  if (printed.includes('\\ud')) refuseLoneSurrogates({ key, bucket, etag, version_id: versionId ?? '' });
  return printed;
}

function refuseLoneSurrogates(members: Readonly<Record<string, string>>): void {
  for (const [member, value] of Object.entries(members)) {
    if (isWellFormed(value)) continue;
    throw new WaybillError(
      member === 'key' ? 'unsupported_key' : 'invalid_manifest_line',
      `the ${member} holds a lone surrogate, so it has no UTF-8 form`,
      { [member]: JSON.stringify(value) },
    );
  }
}
