/**
 * fsync of a directory, so that the name of a file in it survives a crash. Callers of one directory share: those that ask while
 * one fsync runs wait together for the next, since the running one may have begun before their rename.
 */
import { open } from 'node:fs/promises';

export class DirectorySync {
  readonly #running = new Map<string, Promise<void>>();
  readonly #next = new Map<string, Promise<void>>();

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
    const run = syncDirectory(directory).finally(() => {
      if (this.#running.get(directory) === run) {
        this.#running.delete(directory);
      }
    });
    this.#running.set(directory, run);
    return run;
  }
}

export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
