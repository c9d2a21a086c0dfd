/**
 * The files that hold object bytes. A file is written as temp → fsync → rename → fsync of the directory, and only then named in
 * the index; it never changes afterwards. What the index no longer names is unlinked once nobody reads it.
 *
 * A reader pins a file in the same turn of the event loop in which it read the index record, so the file cannot go away between.
 * A process that dies leaves files that nothing names: the sweep of the next opening removes them.
 */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { DirectorySync } from './directory-sync.ts';
import type { Disk, NewFile } from './disk.ts';
import { toDataDirectory, toDataPath, toTemporaryPath } from './layout.ts';
import type { Layout } from './layout.ts';

/** Chunks are gathered to this size before a write: a socket delivers 64 KiB at a time, and a trip to the thread pool costs 30 µs. */
const WRITE_BYTES = 256 * 1024;

export class DataFiles {
  readonly #layout: Layout;
  readonly #disk: Disk;
  readonly #directorySync: DirectorySync | undefined;
  readonly #pins = new Map<string, number>();
  readonly #unwanted = new Set<string>();
  readonly #unlinking = new Set<Promise<void>>();
  readonly #directories = new Map<string, Promise<void>>();
  /** Written, or being written, and not yet named in the index. */
  readonly #loose = new Set<string>();
  #unlinkFailed = false;

  /** @param sync false: nothing is synced */
  constructor(layout: Layout, disk: Disk, sync: boolean) {
    this.#layout = layout;
    this.#disk = disk;
    this.#directorySync = sync ? new DirectorySync(disk) : undefined;
  }

  /** True when a file could not be removed, waits for its reader, or may never be named. */
  get hasLeftovers(): boolean {
    return this.#unlinkFailed || this.#unwanted.size > 0 || this.#loose.size > 0;
  }

  /** Writes a new file, to be followed by `keep` or `release`. Nothing of it is left when the chunks fail. */
  async write(id: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const temporary = toTemporaryPath(this.#layout, id);
    this.#loose.add(id);
    try {
      const handle = await this.#disk.createFile(temporary);
      try {
        await writeChunks(handle, chunks);
        if (this.#directorySync !== undefined) {
          await handle.datasync();
        }
      } finally {
        await handle.close();
      }
      await this.#ensureDirectory(toDataDirectory(this.#layout, id));
      await this.#disk.rename(temporary, toDataPath(this.#layout, id));
    } catch (error) {
      await this.#disk.unlink(temporary).catch(() => undefined);
      this.#loose.delete(id);
      throw error;
    }
    try {
      await this.#directorySync?.sync(toDataDirectory(this.#layout, id));
    } catch (error) {
      this.release([id]);
      throw error;
    }
  }

  /**
   * The directories come into being as they are needed. The first file of a session in each waits, with all that come at the
   * same time, until the directory's own name is on disk.
   */
  #ensureDirectory(directory: string): Promise<void> {
    const known = this.#directories.get(directory);
    if (known !== undefined) {
      return known;
    }
    const ensured = this.#disk
      .makeDirectory(directory)
      .then(() => this.#directorySync?.sync(this.#layout.data))
      .catch((error: unknown) => {
        this.#directories.delete(directory);
        throw error;
      });
    this.#directories.set(directory, ensured);
    return ensured;
  }

  /** The index names the file now. */
  keep(id: string): void {
    this.#loose.delete(id);
  }

  async openForReading(id: string): Promise<FileHandle> {
    return open(toDataPath(this.#layout, id), 'r');
  }

  pin(id: string): void {
    this.#pins.set(id, (this.#pins.get(id) ?? 0) + 1);
  }

  unpin(id: string): void {
    const count = (this.#pins.get(id) ?? 0) - 1;
    if (count > 0) {
      this.#pins.set(id, count);
      return;
    }
    this.#pins.delete(id);
    if (this.#unwanted.delete(id)) {
      this.#unlink(id);
    }
  }

  /** Removes files that the index does not name, now or when their last reader is done. */
  release(ids: readonly string[]): void {
    for (const id of ids) {
      this.#loose.delete(id);
      if (this.#pins.has(id)) {
        this.#unwanted.add(id);
      } else {
        this.#unlink(id);
      }
    }
  }

  #unlink(id: string): void {
    const done = this.#disk
      .unlink(toDataPath(this.#layout, id))
      .catch((error: unknown) => {
        this.#unlinkFailed ||= (error as { code?: unknown }).code !== 'ENOENT';
      })
      .finally(() => this.#unlinking.delete(done));
    this.#unlinking.add(done);
  }

  /** Waits for the removals under way. */
  async settle(): Promise<void> {
    await Promise.all(this.#unlinking);
  }
}

/** One write is under way while the next chunks are read and hashed. */
async function writeChunks(handle: NewFile, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  let gathered: Uint8Array[] = [];
  let gatheredBytes = 0;
  let writing: Promise<void> = Promise.resolve();
  const flush = async (): Promise<void> => {
    await writing;
    const buffers = gathered;
    gathered = [];
    gatheredBytes = 0;
    writing = writeAll(handle, buffers);
    // It is awaited before the next write; without this a failure in between would count as unhandled.
    writing.catch(() => undefined);
  };
  try {
    for await (const chunk of chunks) {
      gathered.push(chunk);
      gatheredBytes += chunk.byteLength;
      if (gatheredBytes >= WRITE_BYTES) {
        await flush();
      }
    }
    if (gatheredBytes > 0) {
      await flush();
    }
  } finally {
    // The handle is closed next, which must not happen under a write.
    await writing.catch(() => undefined);
  }
  await writing;
}

async function writeAll(handle: NewFile, buffers: readonly Uint8Array[]): Promise<void> {
  let left = buffers.filter((buffer) => buffer.byteLength > 0);
  while (left.length > 0) {
    let { bytesWritten } = await handle.writev(left);
    // A write may be short; go on behind what was written.
    const rest: Uint8Array[] = [];
    for (const buffer of left) {
      const used = Math.min(bytesWritten, buffer.byteLength);
      bytesWritten -= used;
      if (used < buffer.byteLength) {
        rest.push(buffer.subarray(used));
      }
    }
    left = rest;
  }
}
