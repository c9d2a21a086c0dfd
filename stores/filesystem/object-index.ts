/**
 * The ordered index: LevelDB, keys as bytes. Point reads are synchronous: one from the block cache takes a few microseconds,
 * a trip through the thread pool five to ten times that, and reading two records with nothing in between keeps them of one
 * moment. LevelDB's lock file makes sure that one process has the store open.
 */
import { ClassicLevel } from 'classic-level';
import { WaybillError } from '../../core/failures.ts';
import { MiB } from '../../core/limits.ts';
import { toSuccessor } from './index-keys.ts';

/** Hot blocks; the whole index of 200,000 objects is about this size. */
const CACHE_BYTES = 16 * MiB;
/** LevelDB holds up to two of these. Larger ones compact less often: inline bytes are written through here too. */
const WRITE_BUFFER_BYTES = 8 * MiB;
/** What one trip to the thread pool fetches for a scan: a page of 1,000 small records. */
const SCAN_BYTES = 256 * 1024;

/** `value` undefined deletes. */
export interface Change {
  readonly key: string;
  readonly value: string | Uint8Array | undefined;
}

export interface ScanBounds {
  readonly gte?: Buffer;
  readonly gt?: Buffer;
  readonly lt: Buffer;
  readonly limit?: number;
}

export class ObjectIndex {
  readonly #level: ClassicLevel<string, string>;

  private constructor(level: ClassicLevel<string, string>) {
    this.#level = level;
  }

  /** @throws store_refused when another process has it open; store_error */
  static async open(directory: string): Promise<ObjectIndex> {
    const level = new ClassicLevel<string, string>(directory, {
      keyEncoding: 'utf8',
      valueEncoding: 'utf8',
      cacheSize: CACHE_BYTES,
      writeBufferSize: WRITE_BUFFER_BYTES,
    });
    try {
      await level.open();
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      if ((cause as { code?: unknown }).code === 'LEVEL_LOCKED') {
        throw new WaybillError('store_refused', 'another process, or another part of this one, has the store open', {
          directory,
        });
      }
      throw cause;
    }
    return new ObjectIndex(level);
  }

  read(key: string): string | undefined {
    return this.#level.getSync(key);
  }

  readBytes(key: string): Uint8Array | undefined {
    return this.#level.getSync<string, Buffer>(key, { valueEncoding: 'buffer' });
  }

  /** For each key whether it is there. */
  async hasMany(keys: string[]): Promise<boolean[]> {
    return this.#level.hasMany(keys);
  }

  /** Records of one moment, in byte order. Must be closed. */
  scan(bounds: ScanBounds): Scan {
    return this.#level.iterator<Buffer, string>({
      ...bounds,
      keyEncoding: 'buffer',
      valueEncoding: 'utf8',
      highWaterMarkBytes: SCAN_BYTES,
    });
  }

  async *scanPrefix(prefix: string): AsyncGenerator<[key: string, value: string]> {
    const scan = this.scan({ gte: Buffer.from(prefix, 'utf8'), lt: toSuccessor(prefix) });
    try {
      for (let entry = await scan.next(); entry !== undefined; entry = await scan.next()) {
        yield [entry[0].toString('utf8'), entry[1]];
      }
    } finally {
      await scan.close();
    }
  }

  /** All or nothing. With `sync` it is on disk when this returns. */
  async write(changes: readonly Change[], sync: boolean): Promise<void> {
    const batch = changes.map(({ key, value }) =>
      value === undefined
        ? ({ type: 'del', key } as const)
        : ({
            type: 'put',
            key,
            value: value as string,
            valueEncoding: typeof value === 'string' ? 'utf8' : 'view',
          } as const),
    );
    await this.#level.batch<string, string>(batch, { sync });
  }

  async close(): Promise<void> {
    await this.#level.close();
  }
}

export interface Scan {
  next(): Promise<[key: Buffer, value: string] | undefined>;
  /** At least one while any is left, at most `size`. */
  nextv(size: number): Promise<[key: Buffer, value: string][]>;
  all(): Promise<[key: Buffer, value: string][]>;
  seek(target: Buffer): void;
  close(): Promise<void>;
}
