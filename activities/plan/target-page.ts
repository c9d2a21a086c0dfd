/**
 * A page of the target's listing, or a piece of one. Where it came as columns, its objects are made only for a reader who looks at them
 * one by one: of a million that stand as they were delivered none is.
 */
import { countKeysUpTo, keyAt, keysAscend } from '../../core/object-columns.ts';
import { compareUtf8 } from '../../core/utf8-order.ts';
import type { DescriptorText, Renaming } from '../../manifest/descriptor-text.ts';
import { normaliseEtag } from '../../manifest/normalise-etag.ts';
import type { ListedObject, ListPage } from '../../stores/store.ts';
import { countUpTo } from '../list/count-up-to.ts';

export class TargetPage {
  readonly count: number;
  /** Reading `objects` makes them. */
  readonly #page: Pick<ListPage, 'objects' | 'columns'>;
  readonly #from: number;

  /** Its objects from `from` on, before `to`. */
  constructor(page: Pick<ListPage, 'objects' | 'columns'>, from = 0, to = page.columns?.count ?? page.objects.length) {
    this.#page = page;
    this.#from = from;
    this.count = to - from;
  }

  /** By index; '' where there is none. */
  keyAt(index: number): string {
    if (index < 0 || index >= this.count) return '';
    const at = this.#from + index;
    const { columns } = this.#page;
    return columns === undefined ? (this.#page.objects[at]?.key ?? '') : keyAt(columns, at);
  }

  get lastKey(): string {
    return this.keyAt(this.count - 1);
  }

  /** ETags in the one spelling that the ledger has. */
  get objects(): readonly ListedObject[] {
    const { objects } = this.#page;
    return objects
      .slice(this.#from, this.#from + this.count)
      .map((object) => ({ ...object, etag: normaliseEtag(object.etag) }));
  }

  /** Whether each key of the whole page sorts behind the one before it. */
  get ascends(): boolean {
    const { columns } = this.#page;
    if (columns !== undefined) return keysAscend(columns);
    const { objects } = this.#page;
    return objects.every(({ key }, index) => index === 0 || compareUtf8(objects[index - 1]?.key ?? '', key) < 0);
  }

  /** How many of them sort before this key or are it. They ascend. */
  countUpTo(key: string): number {
    const { columns } = this.#page;
    const count = columns === undefined ? countUpTo(this.#page.objects, key) : countKeysUpTo(columns, key);
    return Math.max(0, Math.min(this.count, count - this.#from));
  }

  slice(from: number, to: number): TargetPage {
    return from === 0 && to === this.count ? this : new TargetPage(this.#page, this.#from + from, this.#from + to);
  }

  /** What of it does not begin with the prefix: keys that do stand together. */
  *without(prefix: string): Generator<TargetPage> {
    let from = this.countUpTo(prefix);
    // The prefix may be a key.
    if (this.keyAt(from - 1).startsWith(prefix)) from -= 1;
    let to = from;
    while (to < this.count && this.keyAt(to).startsWith(prefix)) to += 1;
    if (from > 0) yield this.slice(0, from);
    if (to < this.count) yield this.slice(to, this.count);
  }

  /** Whether each of them is what the text says next, which is then read. */
  readsAlong(text: DescriptorText, renaming: Renaming): boolean {
    const { columns } = this.#page;
    if (columns === undefined) {
      return this.objects.every(({ key, etag, sizeBytes }) => text.accept(renaming.rename(key), etag, sizeBytes));
    }
    const end = this.#from + this.count;
    for (let index = this.#from; index < end; index++) {
      if (!text.acceptColumns(columns, index, renaming)) return false;
    }
    return true;
  }
}
