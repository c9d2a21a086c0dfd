/** The ground of a directory store with an observer before and after each call that makes bytes durable or takes them away. */
import type { Ground } from '../../stores/filesystem/create-filesystem-store.ts';
import { nodeDisk } from '../../stores/filesystem/disk.ts';
import type { NewFile } from '../../stores/filesystem/disk.ts';
import { ObjectIndex } from '../../stores/filesystem/object-index.ts';
import type { Change } from '../../stores/filesystem/object-index.ts';

export interface DiskCall {
  readonly name: 'create' | 'write' | 'datasync' | 'mkdir' | 'rename' | 'unlink' | 'sync-directory' | 'index-write';
  /** Of a rename, where to. */
  readonly path: string;
  /** Of a rename. */
  readonly from?: string;
  /** Of an index write. */
  readonly changes?: readonly Change[];
  readonly sync?: boolean;
}

/** What throws in `before` keeps the call from being made. */
export interface DiskObserver {
  before(call: DiskCall): void;
  after(call: DiskCall): void;
}

export function createObservedGround(observer: DiskObserver): Ground {
  const observe = async <T>(call: DiskCall, run: () => Promise<T>): Promise<T> => {
    observer.before(call);
    const result = await run();
    observer.after(call);
    return result;
  };
  return {
    disk: {
      createFile: async (path) => {
        const file = await observe({ name: 'create', path }, () => nodeDisk.createFile(path));
        return observeFile(file, path, observe);
      },
      makeDirectory: (path) => observe({ name: 'mkdir', path }, () => nodeDisk.makeDirectory(path)),
      rename: (from, path) => observe({ name: 'rename', path, from }, () => nodeDisk.rename(from, path)),
      unlink: (path) => observe({ name: 'unlink', path }, () => nodeDisk.unlink(path)),
      syncDirectory: (path) => observe({ name: 'sync-directory', path }, () => nodeDisk.syncDirectory(path)),
    },
    openIndex: async (directory) => {
      const index = await ObjectIndex.open(directory);
      const write = index.write.bind(index);
      index.write = (changes, sync) =>
        observe({ name: 'index-write', path: directory, changes, sync }, () => write(changes, sync));
      return index;
    },
  };
}

function observeFile(
  file: NewFile,
  path: string,
  observe: <T>(call: DiskCall, run: () => Promise<T>) => Promise<T>,
): NewFile {
  return {
    writev: (buffers) => observe({ name: 'write', path }, () => file.writev(buffers)),
    datasync: () => observe({ name: 'datasync', path }, () => file.datasync()),
    // Closing makes nothing durable; and the file of a process that died is closed too.
    close: () => file.close(),
  };
}
