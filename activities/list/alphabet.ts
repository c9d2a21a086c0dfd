/**
 * What characters stand where in a bucket's keys, learned from the keys seen so far. Nothing that is correct depends on it: it chooses
 * where to look next and guesses how much is left, and a wrong guess costs a request.
 *
 * A place in a key is known by what leads up to it: letters and digits count as alike, everything else as itself, so that
 * `y=2021/m=03/` and `y=2024/m=11/` lead to the same place, and what was learned of the days of one month holds for all of them.
 */

/** Kinds of characters, as bits. */
export const DIGIT = 1;
export const LOWER = 2;
export const UPPER = 4;
/** Beyond ASCII. */
export const WIDE = 8;
export const OTHER = 16;

export interface Place {
  /** The characters seen there, ascending. */
  readonly seen: number[];
  /** Kinds of which all that can be guessed has been looked for: of these, what was seen is what there is. */
  explored: number;
  readonly next: Map<number, Place>;
  /** What is seen and what is likely, ascending; null: to be made again. */
  expected: readonly number[] | null;
}

/** Beyond it nothing new is learned: about 4 MB. */
const PLACES_MAX = 20_000;
/** Different characters that are told apart at one place. */
const SEEN_MAX = 256;
/** Deeper places tell less than a page apart. */
const DEPTH_MAX = 256;
const ALIKE = 0;
const ALIKE_WIDE = 1;

export class Alphabet {
  readonly root: Place = createPlace();
  #places = 1;

  /** Learns from a key. */
  observe(key: string): void {
    let place = this.root;
    const depth = Math.min(key.length, DEPTH_MAX);
    for (let at = 0; at < depth; at++) {
      const unit = key.charCodeAt(at);
      if (insertSorted(place.seen, unit)) place.expected = null;
      const symbol = symbolOf(unit);
      let next = place.next.get(symbol);
      if (next === undefined) {
        if (this.#places === PLACES_MAX) return;
        next = createPlace();
        place.next.set(symbol, next);
        this.#places += 1;
      }
      place = next;
    }
  }

  /**
   * Where the key lies in the interval of all keys that share its first `from` characters, from 0 to 1: each place divides what the
   * one before it left into as many parts as it has characters.
   */
  positionOf(key: string, from: number): number {
    let place: Place | undefined = this.root;
    let position = 0;
    let width = 1;
    for (let at = 0; at < key.length && place !== undefined && width > 1e-15; at++) {
      const unit = key.charCodeAt(at);
      if (at >= from) {
        const { rank, size } = rankOf(place, unit);
        position += (width * rank) / size;
        width /= size;
      }
      place = place.next.get(symbolOf(unit));
    }
    return position;
  }

  /** The places along the key, the first of them being the root; shorter than the key where nothing is known. */
  placesOf(key: string, depth: number): Place[] {
    const places: Place[] = [];
    let place: Place | undefined = this.root;
    for (let at = 0; at <= depth && place !== undefined; at++) {
      places.push(place);
      const unit = key.charCodeAt(at);
      place = place.next.get(symbolOf(unit));
    }
    return places;
  }
}

const createPlace = (): Place => ({ seen: [], explored: 0, next: new Map(), expected: null });

function rankOf(place: Place, unit: number): { rank: number; size: number } {
  const expected = expectedAt(place);
  // Beyond ASCII, all that there could be: too many to be learned one by one.
  if (kindOf(expected.at(-1) ?? 0) === WIDE) return { rank: unit, size: 0x10000 };
  let rank = 0;
  while (rank < expected.length && (expected[rank] ?? 0) < unit) rank += 1;
  // Where not all was looked for, as much again may follow a single character.
  const open = expected.length === 1 && (place.explored & kindOf(expected[0] ?? 0)) === 0 ? 1 : 0;
  return { rank, size: Math.max(1, expected.length + open) };
}

/** What was seen; digits, where there are some, are ten; letters, where there are some beside others, are those of their notation. */
export function expectedAt(place: Place): readonly number[] {
  if (place.expected !== null) return place.expected;
  const { seen, explored } = place;
  const expected = new Set(seen);
  for (const unit of seen) {
    const kind = kindOf(unit);
    if ((explored & kind) !== 0 || kind >= WIDE) continue;
    if (kind === DIGIT) addUnits(expected, 0x30, 0x39);
    else if (seen.length > 1) addUnits(expected, kind === LOWER ? 0x61 : 0x41, lastLetter(place, kind));
  }
  return (place.expected = [...expected].sort((a, b) => a - b));
}

/** F of hexadecimal digits as long as nothing else was seen, and else Z. */
export function lastLetter({ seen }: Place, kind: number): number {
  const isHex = seen.every((unit) => kindOf(unit) === DIGIT || (kindOf(unit) < WIDE && (unit & 0x5f) <= 0x46));
  return (kind === LOWER ? 0x60 : 0x40) + (isHex ? 6 : 26);
}

function addUnits(units: Set<number>, first: number, last: number): void {
  for (let unit = first; unit <= last; unit++) units.add(unit);
}

/** False: it is there already. */
function insertSorted(units: number[], unit: number): boolean {
  let at = units.length;
  while (at > 0 && (units[at - 1] ?? 0) > unit) at -= 1;
  if ((at > 0 && units[at - 1] === unit) || units.length === SEEN_MAX) return false;
  units.splice(at, 0, unit);
  return true;
}

export function kindOf(unit: number): number {
  if (unit >= 0x30 && unit <= 0x39) return DIGIT;
  if (unit >= 0x61 && unit <= 0x7a) return LOWER;
  if (unit >= 0x41 && unit <= 0x5a) return UPPER;
  return unit < 0x80 ? OTHER : WIDE;
}

function symbolOf(unit: number): number {
  const kind = kindOf(unit);
  return kind === OTHER ? unit : kind === WIDE ? ALIKE_WIDE : ALIKE;
}
