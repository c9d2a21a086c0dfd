/**
 * Joins three streams that are sorted by a key in UTF-8 order: the manifest, the ledger and a listing of the target. Streams come,
 * and results go, in arrays, so that ten million items cost thousands of awaits and not ten million; memory is one array of each
 * stream. Every stream must ascend strictly: a listing that repeats or goes backwards would make a plan that is wrong.
 */
import { WaybillError } from '../core/failures.ts';
import { compareUtf8 } from '../core/utf8-order.ts';

/** What the streams hold of one key; at least one of the three is there. */
export interface Joined<A, B, C> {
  readonly key: string;
  readonly a: A | undefined;
  readonly b: B | undefined;
  readonly c: C | undefined;
}

/**
 * Yields every key of the three streams once, ascending, in arrays of any length.
 * @throws listing_incomplete when a stream does not ascend; whatever a stream throws. The streams are closed however it ends.
 */
export async function* mergeJoin<A, B, C>(
  a: AsyncIterable<readonly A[]>,
  b: AsyncIterable<readonly B[]>,
  c: AsyncIterable<readonly C[]>,
  keyA: (item: A) => string,
  keyB: (item: B) => string,
  keyC: (item: C) => string,
): AsyncGenerator<Joined<A, B, C>[], void, void> {
  const cursors = [new Cursor('first', a, keyA), new Cursor('second', b, keyB), new Cursor('third', c, keyC)] as const;
  const [atA, atB, atC] = cursors;
  try {
    for (;;) {
      await refill(cursors);
      const joined: Joined<A, B, C>[] = [];
      // Until one array runs out: its stream may go on, so nothing is known beyond it.
      while (!atA.dry && !atB.dry && !atC.dry) {
        const key = least(least(atA.key, atB.key), atC.key);
        if (key === undefined) break;
        joined.push({ key, a: atA.take(key), b: atB.take(key), c: atC.take(key) });
      }
      if (joined.length > 0) yield joined;
      if (cursors.every((cursor) => cursor.ended)) return;
    }
  } finally {
    await Promise.allSettled(cursors.map((cursor) => cursor.close()));
  }
}

/** All are waited for, so that none is still reading when the others are closed. */
async function refill(cursors: readonly { refill(): Promise<void> }[]): Promise<void> {
  const settled = await Promise.allSettled(cursors.map((cursor) => cursor.refill()));
  for (const result of settled) if (result.status === 'rejected') throw result.reason;
}

function least(x: string | undefined, y: string | undefined): string | undefined {
  if (x === undefined || x === y) return y;
  return y === undefined || compareUtf8(x, y) < 0 ? x : y;
}

/** A place in one stream. `key` undefined: the array at hand is used up (`dry`) or the stream has ended (`ended`). */
class Cursor<T> {
  key: string | undefined;
  dry = true;
  ended = false;
  readonly #name: string;
  readonly #iterator: AsyncIterator<readonly T[]>;
  readonly #keyOf: (item: T) => string;
  #items: readonly T[] = [];
  #index = 0;
  #lastKey: string | undefined;

  constructor(name: string, stream: AsyncIterable<readonly T[]>, keyOf: (item: T) => string) {
    this.#name = name;
    this.#iterator = stream[Symbol.asyncIterator]();
    this.#keyOf = keyOf;
  }

  async refill(): Promise<void> {
    while (this.dry) {
      const next = await this.#iterator.next();
      if (next.done === true) {
        this.ended = true;
        this.dry = false;
        return;
      }
      this.#items = next.value;
      this.#index = 0;
      this.#look();
    }
  }

  /** The item under this key, if the cursor stands on it; then the cursor moves on. */
  take(key: string): T | undefined {
    if (this.key !== key) return undefined;
    const item = this.#items[this.#index];
    this.#index += 1;
    this.#look();
    return item;
  }

  async close(): Promise<void> {
    if (!this.ended) await this.#iterator.return?.();
  }

  #look(): void {
    if (this.#index >= this.#items.length) {
      this.key = undefined;
      this.dry = true;
      return;
    }
    const key = this.#keyOf(this.#items[this.#index] as T);
    if (this.#lastKey !== undefined && compareUtf8(this.#lastKey, key) >= 0) {
      throw new WaybillError('listing_incomplete', `the ${this.#name} stream of a join does not ascend`, {
        after: JSON.stringify(this.#lastKey),
        key: JSON.stringify(key),
      });
    }
    this.#lastKey = key;
    this.key = key;
    this.dry = false;
  }
}
