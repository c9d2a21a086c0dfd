/** One run of records in one block of memory, sorted in place by an index of where each begins. */
import { MiB } from '../../core/limits.ts';
import { compareFrames, frameEnd, lineOf, toFrameBytesMax, writeFrame } from './frame.ts';

/** Some 60,000 records, so that a million make 17 runs. A record is at most a few times the longest line, 1 MiB. */
const ARENA_BYTES = 16 * MiB;
const BLOCK_BYTES = 256 * 1024;

export class RecordArena {
  readonly #bytes: Buffer;
  #end = 0;
  #starts: number[] = [];

  constructor(sizeBytes = ARENA_BYTES) {
    // Not zeroed: what is never written takes no memory.
    this.#bytes = Buffer.allocUnsafeSlow(sizeBytes);
  }

  /** False when it is full: then the record was not added. */
  add(key: string, text: string, line: number): boolean {
    if (this.#end + toFrameBytesMax(key, text) > this.#bytes.length) return false;
    this.#starts.push(this.#end);
    this.#end = writeFrame(this.#bytes, this.#end, key, text, line);
    return true;
  }

  /** The records in order, equal ones by their lines, as blocks of whole frames; then the arena is empty. */
  *drain(): Generator<Buffer, void, void> {
    const bytes = this.#bytes;
    const starts = this.#starts.sort(
      (a, b) => compareFrames(bytes, a, bytes, b) || lineOf(bytes, a) - lineOf(bytes, b),
    );
    let block: Buffer[] = [];
    let blockBytes = 0;
    for (const start of starts) {
      const frame = bytes.subarray(start, frameEnd(bytes, start));
      block.push(frame);
      blockBytes += frame.length;
      if (blockBytes < BLOCK_BYTES) continue;
      yield Buffer.concat(block);
      block = [];
      blockBytes = 0;
    }
    if (blockBytes > 0) yield Buffer.concat(block);
    this.#starts = [];
    this.#end = 0;
  }
}
