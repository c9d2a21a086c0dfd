/**
 * A disk that dies at a chosen step, for directory stores in this process. A step is the moment before or after a call that makes bytes
 * durable or takes them away; from then on no call does anything but fail, so the directory is as kill -9 would leave it. With `losePower`
 * what was not synced goes too: bytes that no datasync followed, names that no fsync of their directory followed. Nothing is really
 * synced, which is what makes ten thousand crashes affordable; that the syncs are asked for is what is tested.
 * It does not bring back what was unlinked without a sync: that would only make more orphans.
 */
import { mkdir, rm, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Ground } from '../../stores/filesystem/create-filesystem-store.ts';
import { nodeDisk } from '../../stores/filesystem/disk.ts';
import type { NewFile } from '../../stores/filesystem/disk.ts';
import { ObjectIndex } from '../../stores/filesystem/object-index.ts';

export class CrashingDisk {
  readonly ground: Ground;
  #stepsLeft = Infinity;
  #crashed = false;
  #index: ObjectIndex | undefined;
  /** Paths whose bytes are not synced, and names by the directory that was not synced since they came. */
  readonly #unsyncedBytes = new Set<string>();
  readonly #unsyncedNames = new Map<string, Set<string>>();

  constructor() {
    this.ground = {
      disk: {
        createFile: async (path) => {
          let file: NewFile | undefined;
          try {
            file = await this.#around(async () => (file = await nodeDisk.createFile(path)));
          } catch (error) {
            await file?.close();
            throw error;
          }
          this.#unsyncedBytes.add(path);
          return this.#watch(file, path);
        },
        makeDirectory: (path) =>
          this.#around(async () => {
            if ((await mkdir(path, { recursive: true })) !== undefined) this.#addName(path);
          }),
        rename: (from, to) =>
          this.#around(async () => {
            await nodeDisk.rename(from, to);
            if (this.#unsyncedBytes.delete(from)) this.#unsyncedBytes.add(to);
            this.#addName(to);
          }),
        unlink: (path) => this.#around(() => nodeDisk.unlink(path)),
        syncDirectory: (path) => this.#around(async () => void this.#unsyncedNames.delete(path)),
      },
      openIndex: async (directory) => {
        const index = await ObjectIndex.open(directory);
        const write = index.write.bind(index);
        index.write = (changes, sync) =>
          this.#around(() => {
            if (!sync) throw new Error('the index was written without sync');
            return write(changes, false);
          });
        this.#index = index;
        return index;
      },
    };
  }

  get crashed(): boolean {
    return this.#crashed;
  }

  /** Dies so many steps from now. */
  crashAt(steps: number): void {
    this.#stepsLeft = steps;
  }

  /** After the crash: lets go of the index, and loses what a power failure would. The disk works again afterwards. */
  async restart(losePower: boolean): Promise<void> {
    await this.#index?.close();
    if (losePower) {
      for (const path of this.#unsyncedBytes) {
        await truncate(path, 0).catch(() => undefined);
      }
      for (const path of [...this.#unsyncedNames.values()].flatMap((names) => [...names])) {
        await rm(path, { recursive: true, force: true });
      }
    }
    this.#unsyncedBytes.clear();
    this.#unsyncedNames.clear();
    this.#crashed = false;
    this.#stepsLeft = Infinity;
  }

  #addName(path: string): void {
    const directory = dirname(path);
    const names = this.#unsyncedNames.get(directory) ?? new Set();
    this.#unsyncedNames.set(directory, names.add(path));
  }

  #watch(file: NewFile, path: string): NewFile {
    return {
      writev: (buffers) =>
        this.#around(() => {
          this.#unsyncedBytes.add(path);
          return file.writev(buffers);
        }),
      datasync: () => this.#around(async () => void this.#unsyncedBytes.delete(path)),
      close: () => file.close(),
    };
  }

  async #around<T>(call: () => Promise<T>): Promise<T> {
    this.#step();
    const result = await call();
    this.#step();
    return result;
  }

  #step(): void {
    this.#stepsLeft -= 1;
    if (this.#stepsLeft <= 0) this.#crashed = true;
    if (this.#crashed) throw new Error('the disk is dead');
  }
}
