/**
 * The bytes of a range that lies in one or several files, read in order, one file open at a time. The files are pinned from
 * the construction on, so a reader gets the object that it asked for whole, whatever replaces it meanwhile.
 * To be iterated once, to its end or left with `return()`; an iteration that never begins keeps its pins until the process ends.
 */
import type { FileHandle } from 'node:fs/promises';
import { bodyCorrupt } from '../rules/refusals.ts';
import type { DataFiles } from './data-files.ts';
import { toDiskFailure } from './disk-failure.ts';

/** One read: beyond 256 KiB a read no longer gets faster, and each body in flight holds one. */
const READ_BYTES = 256 * 1024;

/** A stretch of one file. */
export interface Stretch {
  readonly id: string;
  readonly offset: number;
  readonly lengthBytes: number;
}

export class SegmentBody implements AsyncIterableIterator<Uint8Array> {
  readonly #files: DataFiles;
  readonly #stretches: Stretch[];
  readonly #signal: AbortSignal | undefined;
  #handle: FileHandle | undefined;
  /** Into the first stretch. */
  #readBytes = 0;
  #finished = false;

  constructor(files: DataFiles, stretches: readonly Stretch[], signal?: AbortSignal) {
    this.#files = files;
    this.#stretches = [...stretches].reverse();
    this.#signal = signal;
    for (const { id } of stretches) {
      files.pin(id);
    }
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** @throws body_corrupt when a file is shorter than the index says; store_error */
  async next(): Promise<IteratorResult<Uint8Array>> {
    try {
      this.#signal?.throwIfAborted();
      const stretch = this.#finished ? undefined : await this.#currentStretch();
      if (stretch === undefined) {
        return await this.return();
      }
      return { done: false, value: await this.#read(stretch) };
    } catch (error) {
      await this.return();
      throw this.#signal?.aborted === true ? error : toDiskFailure(error, 'GetObject');
    }
  }

  async #currentStretch(): Promise<Stretch | undefined> {
    const stretch = this.#stretches.at(-1);
    if (stretch === undefined || this.#readBytes < stretch.lengthBytes) {
      return stretch;
    }
    await this.#leave();
    return this.#currentStretch();
  }

  async #leave(): Promise<void> {
    const handle = this.#handle;
    const stretch = this.#stretches.pop();
    this.#handle = undefined;
    this.#readBytes = 0;
    await handle?.close();
    if (stretch !== undefined) {
      this.#files.unpin(stretch.id);
    }
  }

  async #read(stretch: Stretch): Promise<Uint8Array> {
    this.#handle ??= await this.#files.openForReading(stretch.id);
    const wanted = Math.min(READ_BYTES, stretch.lengthBytes - this.#readBytes);
    const buffer = Buffer.allocUnsafeSlow(wanted);
    const { bytesRead } = await this.#handle.read(buffer, 0, wanted, stretch.offset + this.#readBytes);
    if (bytesRead === 0) {
      throw bodyCorrupt('a data file is shorter than the index says', { file: stretch.id });
    }
    this.#readBytes += bytesRead;
    return bytesRead === wanted ? buffer : buffer.subarray(0, bytesRead);
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.#finished = true;
    while (this.#stretches.length > 0) {
      await this.#leave();
    }
    return { done: true, value: undefined };
  }
}

/** The stretches of a range over files that follow one another. */
export function toStretches(
  segments: readonly { readonly id: string; readonly sizeBytes: number }[],
  range: { readonly first: number; readonly lengthBytes: number },
): Stretch[] {
  const stretches: Stretch[] = [];
  const end = range.first + range.lengthBytes;
  let start = 0;
  for (const { id, sizeBytes } of segments) {
    const offset = Math.max(range.first - start, 0);
    const lengthBytes = Math.min(end - start, sizeBytes) - offset;
    if (lengthBytes > 0) {
      stretches.push({ id, offset, lengthBytes });
    }
    start += sizeBytes;
  }
  return stretches;
}
