/**
 * Where a range of unknown keys may be cut: strings just above the last key seen, one for each position at which it could still rise
 * before the range ends, like the rungs of a ladder. `log/2024-03-1…` can go on as `log/2024-03-2`, as `log/2024-04`, as `log/2025`, …
 *
 * A pivot need not be a key, nor lie near one: listing from it tells what follows, and completeness rests on the intervals between
 * pivots, which are contiguous whatever the pivots are. Characters that stores or their parsers stumble over are never made up, nor is
 * a pivot made of a key that has them before the position; a percent sign may be copied from a key (the store was asked before
 * whether it decodes once) but is never made up.
 */
import { KEY_BYTES_MAX } from '../../core/limits.ts';
import { compareUtf8 } from '../../core/utf8-order.ts';
import { DIGIT, expectedAt, kindOf, lastLetter, WIDE, type Alphabet, type Place } from './alphabet.ts';

export interface Rung {
  readonly pivot: string;
  /** A character that was seen at this place, or is likely there: digits follow digits. */
  readonly likely: boolean;
}

/** A page's worth of what is known of a range. */
export interface Front {
  /** First and last key of the last page. */
  readonly first: string;
  readonly last: string;
  /** End of the range; null: the end of the prefix. */
  readonly until: string | null;
}

/**
 * The rungs from the end of what the last page and the range's end have in common, to the position at which keys differ within a page:
 * what lies beyond that is less than a page away. Likely ones first, each kind ascending.
 */
export function buildRungs(alphabet: Alphabet, front: Front, prefixLength: number, tried: ReadonlySet<string>): Rung[] {
  const { first, last, until } = front;
  const top = Math.max(prefixLength, until === null ? 0 : commonLength(last, until));
  const bottom = Math.min(commonLength(first, last), last.length - 1);
  const places = alphabet.placesOf(last, bottom);
  const rungs: Rung[] = [];
  for (let at = 0; at <= bottom; at++) {
    const unit = last.charCodeAt(at);
    const place = places[at];
    if (place === undefined) break;
    if (at >= top)
      addRungs(rungs, last.slice(0, at), unit, place, (pivot) => {
        return !tried.has(pivot) && (until === null || compareUtf8(pivot, until) < 0);
      });
    if (!isSafe(unit)) break;
  }
  return rungs;
}

function addRungs(rungs: Rung[], stem: string, unit: number, place: Place, fits: (pivot: string) => boolean): void {
  const add = (next: number, likely: boolean): boolean => {
    if (next <= unit || !isInventable(next)) return false;
    const pivot = stem + String.fromCharCode(next);
    if (pivot.length * 3 > KEY_BYTES_MAX || !fits(pivot)) return false;
    rungs.push({ pivot, likely });
    return true;
  };
  let guessed = false;
  for (const next of expectedAt(place)) {
    const added = add(next, true);
    guessed ||= added && !place.seen.includes(next);
  }
  const kind = kindOf(unit);
  // Beyond ASCII ever wider steps, since nobody can say which characters there are.
  if (kind === WIDE) for (let step = 1; unit + step < 0xffff; step += 1 + (step >> 1)) add(unit + step, true);
  if ((place.explored & kind) !== 0) return;
  // One look past the kind tells what follows it. A single letter is most likely part of a word: what follows it is looked for.
  const past = kind === DIGIT ? 0x3a : kind >= WIDE || place.seen.length === 1 ? unit + 1 : lastLetter(place, kind) + 1;
  if (add(past, false) || guessed) return;
  place.explored |= kind;
  place.expected = null;
}

/** How many characters both begin with. */
export function commonLength(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  let at = 0;
  while (at < length && a.charCodeAt(at) === b.charCodeAt(at)) at += 1;
  return at;
}

/** A key that may be a pivot as it is. */
export function isSafePivot(key: string): boolean {
  for (let at = 0; at < key.length; at++) if (!isSafe(key.charCodeAt(at))) return false;
  return true;
}

/** No control characters, surrogates or non-characters: what a pivot may take over from a key. */
function isSafe(unit: number): boolean {
  return (
    (unit >= 0x20 && unit < 0x7f) ||
    (unit >= 0xa0 && unit < 0xd800) ||
    (unit >= 0xe000 && unit < 0xfdd0) ||
    (unit > 0xfdef && unit < 0xfffe)
  );
}

/** And no percent sign, plus or space, which encoders disagree about: what a pivot may end with. */
const isInventable = (unit: number): boolean => isSafe(unit) && unit !== 0x20 && unit !== 0x25 && unit !== 0x2b;
