/**
 * What to ask a store next, so that as many requests as are allowed are under way and each brings a page that is needed. Every range
 * goes on with its next page; what is left over of the allowance goes to pivots (pivots.ts) of the ranges with the most before them, a
 * whole page each, so that a cut that succeeds has cost nothing. How much a range has before it is a guess (alphabet.ts).
 *
 * Pure and without a clock: the lister drives it with requests, the simulator with virtual time.
 */
import { compareUtf8 } from '../../core/utf8-order.ts';
import { Alphabet } from './alphabet.ts';
import { buildRungs, commonLength, type Rung } from './pivots.ts';
import type { Arrival, KeyPage, Range, Ranges } from './ranges.ts';

export type Ask =
  | { readonly kind: 'page'; readonly range: Range; readonly startAfter: string | null; readonly token: string | null }
  | { readonly kind: 'probe'; readonly pivot: string };

/** A range with less before it than this many pages for each who would list it is not cut further. */
const PAGES_MIN = 3;
/** A pivot nearer than this many pages would be passed by the range's owner before its page is there. */
const PAGES_AHEAD = 1.3;
/** A range that brought so many pages since it was last tried is tried whatever the guess says of it. */
const PAGES_STALE = 16;
/** Keys of a page that are learned from, beside its first and last. */
const SAMPLES = 6;
/** Pivots that brought nothing may be this many more than half of what brought something. */
const WASTE_FREE = 96;

interface Outlook {
  /** Pages that are left, by the density of the last page. */
  left: number;
  /** Of the last page's first and last key and of the range's end, from their common beginning: 0 to 1. */
  from: number;
  position: number;
  end: number;
  width: number;
  rungs: Rung[] | null;
  until: string | null;
}

export class Ladder {
  readonly ranges: Ranges;
  readonly #prefixLength: number;
  readonly #alphabet = new Alphabet();
  readonly #outlooks = new Map<Range, Outlook>();
  readonly #live: Set<Range>;
  /** How many pages the range had brought when it was last tried. */
  readonly #triedAt = new WeakMap<Range, number>();
  readonly #tried = new Set<string>();
  /** Pivots that are asked for now. */
  readonly #open = new Set<string>();
  /** The most that a page brought. */
  #pageKeys = 1;
  #useful = 0;
  #wasted = 0;

  constructor(ranges: Ranges, prefix: string) {
    this.ranges = ranges;
    this.#prefixLength = prefix.length;
    this.#live = new Set(ranges.all.filter(({ done }) => !done));
  }

  get isDone(): boolean {
    return this.#live.size === 0;
  }

  /** Pages that were taken, pivots that brought none. */
  get counts(): { readonly useful: number; readonly wasted: number } {
    return { useful: this.#useful, wasted: this.#wasted };
  }

  /** Learns from a page that was taken before there was a ladder. */
  observe(page: KeyPage): void {
    this.#pageKeys = Math.max(this.#pageKeys, page.count);
    const step = Math.max(1, Math.floor(page.count / (SAMPLES + 1)));
    for (let at = 0; at < page.count; at += step) this.#alphabet.observe(page.keyAt(at));
    if (page.count > 0) this.#alphabet.observe(page.keyAt(page.count - 1));
  }

  /** At most `slots` requests. What is asked for is under way until it has `arrived` or was `abandoned`. */
  next(slots: number, mayProbe: boolean): Ask[] {
    const asks: Ask[] = [];
    const ready = [...this.#live].filter(({ busy, recorded }) => recorded && !busy);
    if (ready.length > slots) ready.sort((a, b) => this.#outlookOf(b).left - this.#outlookOf(a).left);
    for (const range of ready.slice(0, slots)) {
      range.busy = true;
      asks.push({ kind: 'page', range, startAfter: range.cursor ?? range.after, token: range.token });
    }
    if (mayProbe && asks.length < slots) this.#addProbes(asks, slots);
    return asks;
  }

  /** What is to be listed on after all: see Ranges. */
  takeReopened(): readonly Range[] {
    const reopened = this.ranges.takeReopened();
    for (const range of reopened) this.#live.add(range);
    return reopened;
  }

  /** The page of a range, or of a pivot. Null: nobody needs it. */
  arrived(ask: Ask, page: KeyPage): Arrival | null {
    if (ask.kind === 'page') {
      const arrival = this.ranges.arrived(ask.range, page);
      // Out of order: it is asked for again, or all is given up.
      if (arrival.kind !== 'taken') return arrival;
      ask.range.busy = false;
      this.#took(ask.range, page);
      return arrival;
    }
    const arrival = this.ranges.split(ask.pivot, page);
    if (arrival !== null && arrival.kind !== 'taken') return arrival;
    this.#open.delete(ask.pivot);
    if (arrival === null || arrival.taken.count === 0) this.#wasted += 1;
    // Also a page that nobody needs shows what keys there are.
    if (arrival === null) this.observe(page);
    else {
      const { range, owner } = arrival.taken;
      if (owner !== null) this.#outlooks.delete(owner);
      if (!range.done) this.#live.add(range);
      this.#took(range, page);
    }
    return arrival;
  }

  #took(range: Range, page: KeyPage): void {
    this.#useful += 1;
    this.observe(page);
    this.#outlooks.delete(range);
    if (range.done) this.#live.delete(range);
  }

  #addProbes(asks: Ask[], slots: number): void {
    const mayWaste = WASTE_FREE + this.#useful / 2 - this.#wasted;
    let left = Math.min(slots - asks.length, Math.floor(mayWaste) - this.#open.size);
    if (left <= 0) return;
    const pivotsOf = this.#openPivots();
    const shares = [...this.#live]
      .filter(({ recorded, front }) => recorded && front !== null)
      .map((range) => ({ range, outlook: this.#outlookOf(range), pivots: pivotsOf.get(range) ?? [] }));
    const shareOf = ({ range, outlook, pivots }: (typeof shares)[number]): number =>
      Math.max(outlook.left, this.#untried(range) >= PAGES_STALE ? PAGES_STALE / 2 : 0) / (pivots.length + 1);
    while (left > 0) {
      let best: (typeof shares)[number] | null = null;
      for (const share of shares) {
        if (share.outlook.rungs?.length === 0) continue;
        if (shareOf(share) >= PAGES_MIN && (best === null || shareOf(share) > shareOf(best))) best = share;
      }
      if (best === null) return;
      const pivot = this.#pickPivot(best.range, best.outlook, best.pivots);
      if (pivot === null) continue;
      best.pivots.push(pivot);
      this.#tried.add(pivot);
      this.#open.add(pivot);
      this.#triedAt.set(best.range, best.range.pages);
      asks.push({ kind: 'probe', pivot });
      left -= 1;
    }
  }

  #untried(range: Range): number {
    return range.pages - (this.#triedAt.get(range) ?? 0);
  }

  #openPivots(): Map<Range, string[]> {
    const pivotsOf = new Map<Range, string[]>();
    for (const pivot of this.#open) {
      const owner = this.ranges.ownerOf(pivot);
      if (owner === null) continue;
      const pivots = pivotsOf.get(owner);
      if (pivots === undefined) pivotsOf.set(owner, [pivot]);
      else pivots.push(pivot);
    }
    return pivotsOf;
  }

  /** The rung nearest to the middle of the widest gap between the last key, the pivots asked for, and the end. */
  #pickPivot(range: Range, outlook: Outlook, open: readonly string[]): string | null {
    const { front, until } = range;
    if (front === null) return null;
    outlook.rungs ??= this.#rungsOf(range, outlook);
    const marks = [
      outlook.position,
      ...open.map((pivot) => this.#alphabet.positionOf(pivot, outlook.from)),
      outlook.end,
    ];
    marks.sort((a, b) => a - b);
    let middle = 0;
    let widest = -1;
    for (let at = 1; at < marks.length; at++) {
      const [low = 0, high = 0] = [marks[at - 1], marks[at]];
      if (high - low > widest) [widest, middle] = [high - low, (low + high) / 2];
    }
    let best: Rung | null = null;
    let bestDistance = Infinity;
    for (const rung of outlook.rungs) {
      const distance = Math.abs(this.#alphabet.positionOf(rung.pivot, outlook.from) - middle) + (rung.likely ? 0 : 10);
      if (distance < bestDistance) [best, bestDistance] = [rung, distance];
    }
    if (best === null) return null;
    outlook.rungs.splice(outlook.rungs.indexOf(best), 1);
    return until !== null && compareUtf8(best.pivot, until) >= 0 ? null : best.pivot;
  }

  #rungsOf({ front }: Range, outlook: Outlook): Rung[] {
    if (front === null) return [];
    const rungs = buildRungs(this.#alphabet, { ...front, until: outlook.until }, this.#prefixLength, this.#tried);
    const nearest = outlook.position + PAGES_AHEAD * outlook.width;
    return rungs.filter(({ pivot }) => this.#alphabet.positionOf(pivot, outlook.from) >= nearest);
  }

  #outlookOf(range: Range): Outlook {
    const known = this.#outlooks.get(range);
    if (known !== undefined && known.until === range.until) return known;
    const { front, until } = range;
    let outlook: Outlook = { left: 1, from: 0, position: 0, end: 1, width: 0, rungs: null, until };
    if (front !== null) {
      const from = Math.max(until === null ? this.#prefixLength : commonLength(front.first, until), 0);
      const start = this.#alphabet.positionOf(front.first, from);
      const position = this.#alphabet.positionOf(front.last, from);
      const end = until === null ? 1 : this.#alphabet.positionOf(until, from);
      const width = ((position - start) * this.#pageKeys) / front.count;
      const left = width > 1e-12 ? (end - position) / width : 1e9;
      outlook = { left, from, position, end, width, rungs: null, until };
    }
    this.#outlooks.set(range, outlook);
    return outlook;
  }
}
