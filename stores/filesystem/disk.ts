/**
 * The system calls by which bytes become durable, and those that take them away. They stand behind an interface so that tests can
 * record their order, and stop the world between any two of them.
 */
import { mkdir, open, rename, unlink } from 'node:fs/promises';

/** A file that is being written. */
export interface NewFile {
  writev(buffers: readonly Uint8Array[]): Promise<{ readonly bytesWritten: number }>;
  /** The bytes, and what it takes to read them again, are on disk afterwards. */
  datasync(): Promise<void>;
  close(): Promise<void>;
}

export interface Disk {
  /** Fails when there is one. */
  createFile(path: string): Promise<NewFile>;
  makeDirectory(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** The names in it are on disk afterwards. */
  syncDirectory(path: string): Promise<void>;
}

export const nodeDisk: Disk = {
  createFile: (path) => open(path, 'wx', 0o600),
  makeDirectory: async (path) => {
    await mkdir(path, { recursive: true });
  },
  rename,
  unlink,
  syncDirectory: async (path) => {
    const handle = await open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};
