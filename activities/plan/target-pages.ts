/** A listing of the target that is read in stretches of keys: a page that reaches beyond one is cut, and its rest kept for the next. */
import type { ListedObject } from '../../stores/store.ts';
import { countUpTo } from '../list/count-up-to.ts';

export class TargetPages {
  readonly #pages: AsyncIterator<readonly ListedObject[]>;
  #page: readonly ListedObject[] = [];
  #ended = false;

  constructor(pages: AsyncIterable<readonly ListedObject[]>) {
    this.#pages = pages[Symbol.asyncIterator]();
  }

  /** The next objects up to and including `until` (null: to the end), at most a page; null when there are no more. */
  async next(until: string | null): Promise<readonly ListedObject[] | null> {
    while (this.#page.length === 0 && !this.#ended) {
      const page = await this.#pages.next();
      if (page.done === true) this.#ended = true;
      else this.#page = page.value;
    }
    const count = until === null ? this.#page.length : countUpTo(this.#page, until);
    if (count === 0) return null;
    const taken = count === this.#page.length ? this.#page : this.#page.slice(0, count);
    this.#page = count === this.#page.length ? [] : this.#page.slice(count);
    return taken;
  }

  /** All of them up to and including `until`, behind those that were taken before. */
  async *rest(
    taken: readonly (readonly ListedObject[])[],
    until: string | null,
  ): AsyncGenerator<readonly ListedObject[]> {
    yield* taken;
    for (let page = await this.next(until); page !== null; page = await this.next(until)) yield page;
  }

  async close(): Promise<void> {
    if (!this.#ended) await this.#pages.return?.();
  }
}
