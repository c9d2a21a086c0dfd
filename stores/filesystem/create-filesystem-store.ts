/**
 * A directory as a store. See layout.ts for what is where, group-commit.ts for how changes become durable, and
 * docs/decisions/filesystem-layout.md for why it is an index and data files rather than a tree of names.
 *
 * - An object is visible from the moment when its index record is on disk, and its bytes are on disk before that.
 * - Keys are never paths: any key is held, whatever the file system thinks of case, normalisation or length.
 * - One process has a root open at a time; a second is refused.
 * - It does not check bytes at rest against their ETags when it reads, and it does not encrypt.
 */
import { resolve } from 'node:path';
import { WaybillError } from '../../core/failures.ts';
import { toListPlan } from '../rules/list-cursor.ts';
import type { Store } from '../store.ts';
import { createBuckets } from './buckets.ts';
import { DataFiles } from './data-files.ts';
import { DataIds } from './data-id.ts';
import { guard, toDiskFailure } from './disk-failure.ts';
import { nodeDisk } from './disk.ts';
import type { Disk } from './disk.ts';
import { requireBucket } from './engine.ts';
import type { Engine } from './engine.ts';
import { GroupCommit } from './group-commit.ts';
import { CLOSED_IN_ORDER, FORMAT } from './index-keys.ts';
import { openLayout } from './layout.ts';
import { listObjects } from './list-objects.ts';
import { createLocateFile } from './locate-file.ts';
import type { LocateFile } from './locate-file.ts';
import { ObjectIndex } from './object-index.ts';
import { createObjectReads } from './object-reads.ts';
import { createObjectWrites } from './object-writes.ts';
import { parseRecord, printRecord } from './records.ts';
import type { FormatRecord } from './records.ts';
import { sweep } from './sweep.ts';
import type { SweepResult } from './sweep.ts';
import { createUploads } from './uploads.ts';

/** Raised when what stands on disk changes its meaning; an opening refuses any other. */
const FORMAT_NUMBER = 1;

export interface FilesystemStoreOptions {
  readonly root: string;
  /** False: acknowledged writes may be lost when the machine stops (not when only the process does). For scratch stores. */
  readonly fsync: boolean;
  /** Milliseconds since the epoch; by default the clock. */
  readonly now?: () => number;
}

export interface FilesystemStore extends Store {
  readonly root: string;
  /** Resolves when what an earlier process left behind is cleared; undefined when the store was closed before that. */
  readonly swept: Promise<SweepResult | undefined>;
  readonly locateFile: LocateFile;
}

/** What the store stands on. Tests put a recorder or a fail-point in its place. */
export interface Ground {
  readonly disk: Disk;
  readonly openIndex: (directory: string) => Promise<ObjectIndex>;
}

const GROUND: Ground = { disk: nodeDisk, openIndex: (directory) => ObjectIndex.open(directory) };

/** @throws store_refused when another process has the directory open, or it is no store of ours; store_error */
export async function createFilesystemStore(
  options: FilesystemStoreOptions,
  { disk, openIndex }: Ground = GROUND,
): Promise<FilesystemStore> {
  const { fsync, now = Date.now } = options;
  const root = resolve(options.root);
  return guard('open', async () => {
    const layout = await openLayout(root, disk, fsync);
    const index = await openIndex(layout.index);
    try {
      const orderly = await startSession(index, fsync);
      const closing = new AbortController();
      const engine: Engine = {
        index,
        commits: new GroupCommit(index, fsync),
        files: new DataFiles(layout, disk, fsync),
        ids: new DataIds(),
        now,
        closing: closing.signal,
      };
      // A sweep that fails costs disk space and nothing else; the next opening tries again.
      const swept = sweep(engine, layout, orderly).catch(() => undefined);
      const close = createClose(engine, closing, swept, fsync);
      return { root, swept, locateFile: createLocateFile(engine), ...guardAll(buildOperations(engine)), close };
    } catch (error) {
      await index.close();
      throw error;
    }
  });
}

/** @returns whether the session before ended in order */
async function startSession(index: ObjectIndex, sync: boolean): Promise<boolean> {
  const format = index.read(FORMAT);
  if (format !== undefined && parseRecord<FormatRecord>(format).format !== FORMAT_NUMBER) {
    throw new WaybillError('store_refused', 'the directory was written by another version of waybill', { format });
  }
  const orderly = index.read(CLOSED_IN_ORDER) !== undefined;
  await index.write(
    [
      { key: FORMAT, value: printRecord({ format: FORMAT_NUMBER }) },
      { key: CLOSED_IN_ORDER, value: undefined },
    ],
    sync,
  );
  return orderly;
}

function buildOperations(engine: Engine): Omit<Store, 'close'> {
  return {
    ...createBuckets(engine),
    ...createObjectReads(engine),
    ...createObjectWrites(engine),
    ...createUploads(engine),
    list: async (request) => {
      const plan = toListPlan(request);
      requireBucket(engine.index, request.bucket);
      return listObjects(engine.index, request.bucket, plan);
    },
  };
}

/** Every failure that leaves the store is of our table. */
function guardAll(operations: Omit<Store, 'close'>): Omit<Store, 'close'> {
  const guarded = Object.entries(operations).map(([name, run]) => [
    name,
    (...args: unknown[]) =>
      guard(name, () => (run as (...args: unknown[]) => Promise<unknown>)(...args), findSignal(args)),
  ]);
  return Object.fromEntries(guarded) as Omit<Store, 'close'>;
}

/** A request carries its signal; headBucket takes it as an argument. */
function findSignal(args: readonly unknown[]): AbortSignal | undefined {
  for (const value of args) {
    const signal = value instanceof AbortSignal ? value : (value as { signal?: unknown } | undefined)?.signal;
    if (signal instanceof AbortSignal) {
      return signal;
    }
  }
  return undefined;
}

function createClose(
  engine: Engine,
  closing: AbortController,
  swept: Promise<SweepResult | undefined>,
  fsync: boolean,
): Store['close'] {
  let closed: Promise<void> | undefined;
  const run = async (): Promise<void> => {
    closing.abort(new WaybillError('store_error', 'the store is closed'));
    const clean = (await swept) !== undefined;
    await engine.commits.close();
    await engine.files.settle();
    if (clean && !engine.commits.broken && !engine.files.hasLeftovers) {
      await engine.index.write([{ key: CLOSED_IN_ORDER, value: '' }], fsync);
    }
    await engine.index.close();
  };
  return () =>
    (closed ??= run().catch((error: unknown) => {
      throw toDiskFailure(error, 'close');
    }));
}
