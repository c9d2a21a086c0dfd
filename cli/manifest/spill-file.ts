/**
 * A scratch file that nobody can see. Its name is removed as soon as it is open, so nothing is left behind however the process ends,
 * kill -9 included. Bytes are only appended, and read back by region.
 */
import { mkdtemp, open, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Bytes from `start` up to, not including, `end`. */
export interface Region {
  readonly start: number;
  readonly end: number;
}

export class SpillFile {
  readonly #file: FileHandle;
  #end = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** In the system's directory for temporary files (TMPDIR). */
  static async create(): Promise<SpillFile> {
    const directory = await mkdtemp(join(tmpdir(), 'waybill-'));
    try {
      return new SpillFile(await open(join(directory, 'spill'), 'wx+', 0o600));
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  /** Writes the pieces one after the other, each with a write of its own; one caller at a time. */
  async write(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Region> {
    const start = this.#end;
    for await (const piece of pieces) await this.#append(piece);
    return { start, end: this.#end };
  }

  /** Reads up to `length` bytes that lie at `position`, at least one, and returns how many. */
  async readInto(buffer: Buffer, offset: number, length: number, position: number): Promise<number> {
    const { bytesRead } = await this.#file.read(buffer, offset, length, position);
    if (bytesRead === 0) throw new Error('the scratch file is shorter than what was written to it');
    return bytesRead;
  }

  async readRegion({ start, end }: Region): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(end - start);
    for (let at = start; at < end;) at += await this.readInto(buffer, at - start, end - at, at);
    return buffer;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #append(bytes: Uint8Array): Promise<void> {
    for (let written = 0; written < bytes.length;) {
      const { bytesWritten } = await this.#file.write(bytes, written, bytes.length - written, this.#end);
      written += bytesWritten;
      this.#end += bytesWritten;
    }
  }
}
