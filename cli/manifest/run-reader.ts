/** Stands at one frame of a run in the scratch file, and moves on. Its one buffer holds 64 KiB, or one frame where that is longer. */
import { FRAME_HEAD_BYTES, frameEnd } from './frame.ts';
import type { Region, SpillFile } from './spill-file.ts';

const BUFFER_BYTES = 64 * 1024;

export class RunReader {
  /** The frame at hand is `buffer` from `at` to `frameEnd`; it stays until the reader moves on. */
  buffer: Buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  at = 0;
  frameEnd = 0;
  #filled = 0;
  #next: number;
  readonly #end: number;
  readonly #spill: SpillFile;

  constructor(spill: SpillFile, region: Region) {
    this.#spill = spill;
    this.#next = region.start;
    this.#end = region.end;
  }

  /** To the next frame, if it is in the buffer already. */
  moveWithinBuffer(): boolean {
    const start = this.frameEnd;
    if (this.#filled - start < FRAME_HEAD_BYTES) return false;
    const end = frameEnd(this.buffer, start);
    if (end > this.#filled) return false;
    this.at = start;
    this.frameEnd = end;
    return true;
  }

  /** To the next frame, reading on; false at the end of the run. */
  async move(): Promise<boolean> {
    while (!this.moveWithinBuffer()) {
      if (this.#next === this.#end) return false;
      this.#makeRoom();
      const length = Math.min(this.buffer.length - this.#filled, this.#end - this.#next);
      const read = await this.#spill.readInto(this.buffer, this.#filled, length, this.#next);
      this.#filled += read;
      this.#next += read;
    }
    return true;
  }

  #makeRoom(): void {
    const rest = this.buffer.subarray(this.frameEnd, this.#filled);
    const roomy = rest.length === this.buffer.length ? Buffer.allocUnsafeSlow(2 * rest.length) : this.buffer;
    rest.copy(roomy);
    this.buffer = roomy;
    this.#filled = rest.length;
    this.frameEnd = 0;
  }
}
