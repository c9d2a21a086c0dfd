/**
 * fsync of a directory, so that the name of a file in it survives a crash. Callers of one directory share: those that ask while
 * one fsync runs wait together for the next, since the running one may have begun before their rename.
 */
import type { Disk } from './disk.ts';

export class DirectorySync {
  readonly #disk: Pick<Disk, 'syncDirectory'>;
  readonly #running = new Map<string, Promise<void>>();
  readonly #next = new Map<string, Promise<void>>();

  constructor(disk: Pick<Disk, 'syncDirectory'>) {
    this.#disk = disk;
  }

  sync(directory: string): Promise<void> {
    const next = this.#next.get(directory);
    if (next !== undefined) {
      return next;
    }
    const running = this.#running.get(directory);
    if (running === undefined) {
      return this.#start(directory);
    }
    const after = running
      .catch(() => undefined)
      .then(() => {
        this.#next.delete(directory);
        return this.#start(directory);
      });
    this.#next.set(directory, after);
    return after;
  }

  #start(directory: string): Promise<void> {
    const run = this.#disk.syncDirectory(directory).finally(() => {
      if (this.#running.get(directory) === run) {
        this.#running.delete(directory);
      }
    });
    this.#running.set(directory, run);
    return run;
  }
}
