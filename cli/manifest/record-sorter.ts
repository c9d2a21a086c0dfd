/**
 * Sorts any number of records in bounded memory. One run stays in memory; where there are more, they go to a scratch file and are
 * merged, 64 at a time, so that few buffers are open however many runs there are.
 */
import { WaybillError } from '../../core/failures.ts';
import { mergeRuns } from './merge-runs.ts';
import { RecordArena } from './record-arena.ts';
import { RunReader } from './run-reader.ts';
import type { Region, SpillFile } from './spill-file.ts';

const MERGE_RUNS_MAX = 64;

export class RecordSorter {
  readonly #openSpill: () => Promise<SpillFile>;
  readonly #arena: RecordArena;
  /** Runs in the scratch file, by how many merges are behind them. */
  readonly #levels: Region[][] = [];

  /** `openSpill` is called when one run does not hold everything; it gives the same file each time. */
  constructor(openSpill: () => Promise<SpillFile>, runBytes?: number) {
    this.#openSpill = openSpill;
    this.#arena = new RecordArena(runBytes);
  }

  async add(key: string, text: string, line: number): Promise<void> {
    if (this.#arena.add(key, text, line)) return;
    await this.#spill();
    if (!this.#arena.add(key, text, line))
      throw new WaybillError('unclassified', 'a record is larger than a run', { line });
  }

  /** Once, after the last record: all in order, as blocks of whole frames. A block is good until the next is asked for. */
  async *sorted(): AsyncGenerator<Buffer, void, void> {
    if (this.#levels.length === 0) {
      yield* this.#arena.drain();
      return;
    }
    await this.#spill();
    const spill = await this.#openSpill();
    yield* mergeRuns(this.#levels.flat().map((region) => new RunReader(spill, region)));
  }

  async #spill(): Promise<void> {
    const spill = await this.#openSpill();
    let region = await spill.write(this.#arena.drain());
    for (let level = 0; ; level++) {
      const regions = (this.#levels[level] ??= []);
      regions.push(region);
      if (regions.length < MERGE_RUNS_MAX) return;
      region = await spill.write(mergeRuns(regions.map((each) => new RunReader(spill, each))));
      this.#levels[level] = [];
    }
  }
}
