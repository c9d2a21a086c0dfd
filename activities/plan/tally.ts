/** Counts what a plan decides. */
import type { PlanCounts } from '../../workflows/types.ts';
import type { Action } from './action.ts';

export class Tally {
  #skipped = 0;
  #skippedBytes = 0;
  #toCopy = 0;
  #toCopyBytes = 0;
  #toRepair = 0;
  #toAdopt = 0;
  #orphans = 0;
  #refused = 0;

  skip(objects: number, sizeBytes: number): void {
    this.#skipped += objects;
    this.#skippedBytes += sizeBytes;
  }

  act(action: Action): void {
    if (action.op === 'adopt') {
      this.#toAdopt += 1;
      return;
    }
    this.#toCopy += 1;
    this.#toCopyBytes += action.sizeBytes;
    if (action.op === 'repair') this.#toRepair += 1;
  }

  orphan(): void {
    this.#orphans += 1;
  }

  refuse(): void {
    this.#refused += 1;
  }

  toCounts(batches: number): PlanCounts {
    return {
      batches,
      skipped: this.#skipped,
      skippedBytes: this.#skippedBytes,
      toCopy: this.#toCopy,
      toCopyBytes: this.#toCopyBytes,
      toAdopt: this.#toAdopt,
      toRepair: this.#toRepair,
      orphans: this.#orphans,
      refused: this.#refused,
    };
  }
}
