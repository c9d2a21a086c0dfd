/**
 * A question that tells whether a store begins a listing where it is asked to, and decodes that place once: one known emulator decodes it
 * twice, and a listing by ranges would skip keys there. It is asked within a page that is known, so that the answer is known: after
 * `STEM%7E`, spelled with a percent sign as a part of the text, follows the first key of that stem; a store that decodes it twice begins
 * after `STEM~`, beyond all of them; one that ignores it begins at the first key of all.
 */
import { compareUtf8 } from '../../core/utf8-order.ts';
import type { Store } from '../../stores/store.ts';
import type { ActivityRuntime } from '../runtime.ts';
import type { KeyPage } from './ranges.ts';

export interface StartAfterQuestion {
  readonly startAfter: string;
  /** The first key of a right answer. */
  readonly expected: string;
}

/** Asks it, within a page of a listing of this prefix. False also where it cannot be asked, or does not answer. */
export async function beginsWhereAsked(
  store: Store,
  { bucket, prefix }: { readonly bucket: string; readonly prefix: string },
  page: KeyPage,
  log: ActivityRuntime['log'],
): Promise<boolean> {
  const question = askStartAfter(page, prefix.length);
  if (question === null) return false;
  const { startAfter, expected } = question;
  try {
    const answer = await store.list({ bucket, prefix, startAfter, maxKeys: 1 });
    if (answer.objects[0]?.key === expected) return true;
    log.warn({ bucket, startAfter, expected }, 'the store does not begin a listing where asked to: no ranges');
  } catch (error) {
    // A serial listing does not need it, and meets whatever is wrong by itself.
    log.warn({ bucket, cause: String(error) }, 'the store could not be asked for ranges');
  }
  return false;
}

/** Null: the page has no two keys that would tell. */
export function askStartAfter(page: KeyPage, prefixLength: number): StartAfterQuestion | null {
  const first = page.count > 0 ? page.keyAt(0) : '';
  // From the middle on, and then from the beginning.
  for (let at = 1; at < page.count; at++) {
    const index = ((at + (page.count >> 1)) % (page.count - 1)) + 1;
    const [before, key] = [page.keyAt(index - 1), page.keyAt(index)];
    let common = prefixLength;
    while (common < key.length && before.charCodeAt(common) === key.charCodeAt(common)) common += 1;
    const stem = key.slice(0, common + 1);
    if (!/^[\x20-\x7e]*$/.test(stem)) continue;
    const startAfter = `${stem}%7E`;
    const expected = firstAfter(page, startAfter);
    if (expected === null || expected === first) continue;
    if (firstAfter(page, `${stem}~`) !== expected) return { startAfter, expected };
  }
  return null;
}

function firstAfter(page: KeyPage, text: string): string | null {
  const index = page.countUpTo(text);
  const key = index < page.count ? page.keyAt(index) : null;
  return key !== null && compareUtf8(key, text) > 0 ? key : null;
}
