/**
 * All changes of the index go through here, one transaction after the other, many to one fsync: while one batch is being
 * written, the transactions that arrive gather, and become the next batch.
 *
 * A transaction is a function that reads the index as it will be when its turn comes, the batch's earlier transactions included,
 * and returns its changes or throws its refusal. So a condition is evaluated in the same step in which it takes effect, of two
 * concurrent creations of a key one wins, and there are no locks. No transaction sees what is not going to be written before it.
 *
 * After a batch could not be written nobody knows whether it is on disk, and LevelDB's log may end in half a record. From then on
 * everything is refused until the store is opened again; the files of the transactions stay for the sweep of that opening.
 */
import { WaybillError } from '../../core/failures.ts';
import type { Change, ObjectIndex } from './object-index.ts';

/** A batch that grows further would make its first member wait for its last. */
const BATCH_CHANGES_MAX = 2000;

export interface View {
  read(key: string): string | undefined;
  /** All that starts with it, in no particular order: for what is bounded, as the parts of an upload are. */
  scanPrefix(prefix: string): Promise<[key: string, value: string][]>;
  isEmpty(prefix: string): Promise<boolean>;
}

export interface Decision<Result> {
  readonly changes: readonly Change[];
  readonly result: Result;
}

export type Transaction<Result> = (view: View) => Decision<Result> | Promise<Decision<Result>>;

interface Waiting {
  /** Returns its changes, or undefined when it refused and has told its caller. */
  readonly decide: (view: View) => Promise<readonly Change[] | undefined> | readonly Change[] | undefined;
  readonly succeed: () => void;
  readonly fail: (error: unknown) => void;
}

export class GroupCommit {
  readonly #index: ObjectIndex;
  readonly #sync: boolean;
  #queue: Waiting[] = [];
  #draining: Promise<void> | undefined;
  #closed = false;
  #failure: WaybillError | undefined;

  constructor(index: ObjectIndex, sync: boolean) {
    this.#index = index;
    this.#sync = sync;
  }

  /** True when a batch was lost: then what a failed transaction brought may be referenced, and must stay. */
  get broken(): boolean {
    return this.#failure !== undefined;
  }

  /** Resolves when the changes are on disk (in the page cache, without `sync`) and visible. Throws what the transaction throws. */
  commit<Result>(transaction: Transaction<Result>): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      if (this.#failure !== undefined || this.#closed) {
        reject(this.#failure ?? new WaybillError('store_error', 'the store is closed'));
        return;
      }
      let result: Result;
      const take = (decision: Decision<Result>): readonly Change[] => {
        result = decision.result;
        return decision.changes;
      };
      const refuse = (error: unknown): undefined => {
        reject(error instanceof Error ? error : new Error(String(error)));
      };
      this.#queue.push({
        decide: (view) => {
          try {
            const decision = transaction(view);
            return decision instanceof Promise ? decision.then(take, refuse) : take(decision);
          } catch (error) {
            return refuse(error);
          }
        },
        succeed: () => {
          resolve(result);
        },
        fail: reject,
      });
      this.#draining ??= this.#drain();
    });
  }

  async #drain(): Promise<void> {
    // What is asked for in the same turn of the event loop shares the first batch too.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      await this.#writeBatch();
    }
    this.#draining = undefined;
  }

  async #writeBatch(): Promise<void> {
    const written = new Map<string, Change>();
    const view = new BatchView(this.#index, written);
    const members: Waiting[] = [];
    let taken = 0;
    while (taken < this.#queue.length && written.size < BATCH_CHANGES_MAX) {
      const waiting = this.#queue[taken++] as Waiting;
      const pending = waiting.decide(view);
      const changes = pending instanceof Promise ? await pending : pending;
      if (changes !== undefined) {
        members.push(waiting);
        for (const change of changes) {
          written.set(change.key, change);
        }
      }
    }
    this.#queue = this.#queue.slice(taken);
    try {
      if (written.size > 0) {
        if (this.#failure !== undefined) {
          throw this.#failure;
        }
        await this.#index.write([...written.values()], this.#sync);
      }
    } catch (error) {
      this.#failure ??= new WaybillError(
        'store_error',
        'the index could not be written; the store takes no more writes until it is opened again',
        { s3Code: 'InternalError', status: 500 },
        { cause: error },
      );
      for (const member of members) {
        member.fail(this.#failure);
      }
      return;
    }
    for (const member of members) {
      member.succeed();
    }
  }

  /** Takes nothing more and waits for what was taken. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#draining;
  }
}

class BatchView implements View {
  readonly #index: ObjectIndex;
  readonly #written: ReadonlyMap<string, Change>;

  constructor(index: ObjectIndex, written: ReadonlyMap<string, Change>) {
    this.#index = index;
    this.#written = written;
  }

  read(key: string): string | undefined {
    const change = this.#written.get(key);
    // Bytes are never read back by a transaction, only records are.
    return change === undefined ? this.#index.read(key) : typeof change.value === 'string' ? change.value : undefined;
  }

  async scanPrefix(prefix: string): Promise<[string, string][]> {
    const found = new Map<string, string>();
    for await (const [key, value] of this.#index.scanPrefix(prefix)) {
      found.set(key, value);
    }
    for (const { key, value } of this.#written.values()) {
      if (key.startsWith(prefix)) {
        found.delete(key);
        if (typeof value === 'string') {
          found.set(key, value);
        }
      }
    }
    return [...found];
  }

  async isEmpty(prefix: string): Promise<boolean> {
    for (const { key, value } of this.#written.values()) {
      if (value !== undefined && key.startsWith(prefix)) {
        return false;
      }
    }
    for await (const [key] of this.#index.scanPrefix(prefix)) {
      if (!this.#written.has(key)) {
        return false;
      }
    }
    return true;
  }
}
