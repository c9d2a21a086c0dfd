/** A listing of the target that is read in stretches of keys: a page that reaches beyond one is cut, and its rest kept for the next. */
import type { ListedObject } from '../../stores/store.ts';
import { TargetPage } from './target-page.ts';

const NOTHING = new TargetPage({ objects: [] });

export class TargetPages {
  readonly #pages: AsyncIterator<TargetPage>;
  #page = NOTHING;
  #ended = false;

  constructor(pages: AsyncIterable<TargetPage>) {
    this.#pages = pages[Symbol.asyncIterator]();
  }

  /** The next objects up to and including `until` (null: to the end), at most a page; null when there are no more. */
  async next(until: string | null): Promise<TargetPage | null> {
    while (this.#page.count === 0 && !this.#ended) {
      const page = await this.#pages.next();
      if (page.done === true) this.#ended = true;
      else this.#page = page.value;
    }
    const page = this.#page;
    const count = until === null ? page.count : page.countUpTo(until);
    if (count === 0) return null;
    this.#page = count === page.count ? NOTHING : page.slice(count, page.count);
    return page.slice(0, count);
  }

  /** All of them up to and including `until`, behind those that were taken before. */
  async *rest(taken: readonly TargetPage[], until: string | null): AsyncGenerator<readonly ListedObject[]> {
    for (const page of taken) yield page.objects;
    for (let page = await this.next(until); page !== null; page = await this.next(until)) yield page.objects;
  }

  async close(): Promise<void> {
    if (!this.#ended) await this.#pages.return?.();
  }
}
