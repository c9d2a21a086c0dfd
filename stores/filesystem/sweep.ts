/**
 * Clears what a process that did not end in order left behind: temporaries, data files that nothing names (a crash between the
 * rename and the index, or between the index and the unlink), and the records of uploads that were completed a week ago.
 * It runs beside the operations, holds one directory's names in small groups, and never touches what this process wrote.
 */
import { opendir, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isDataId, isDirectoryName } from './data-id.ts';
import type { Engine } from './engine.ts';
import { COMPLETED, dataKey } from './index-keys.ts';
import type { Layout } from './layout.ts';
import { parseRecord } from './records.ts';
import type { CompletedRecord } from './records.ts';

/** Names that are looked up together. */
const GROUP = 256;
const COMPLETED_KEPT_MS = 7 * 24 * 3600 * 1000;

export interface SweepResult {
  readonly temporaries: number;
  readonly orphans: number;
}

/** @param orderly the last process closed the store, so there are no orphans to look for */
export async function sweep(engine: Engine, layout: Layout, orderly: boolean): Promise<SweepResult> {
  const temporaries = await sweepDirectory(engine, layout.temporary, async (names) => {
    for (const name of names) {
      await unlink(join(layout.temporary, name));
    }
    return names.length;
  });
  let orphans = 0;
  if (!orderly) {
    for (const name of (await readdir(layout.data)).filter(isDirectoryName)) {
      orphans += await sweepDirectory(engine, join(layout.data, name), async (names) => {
        const known = await engine.index.hasMany(names.map(dataKey));
        const unknown = names.filter((_, index) => known[index] === false);
        // Not unlinked here: one that was replaced a moment ago may still have a reader.
        engine.files.release(unknown);
        return unknown.length;
      });
    }
    await engine.files.settle();
  }
  await forgetCompleted(engine);
  return { temporaries, orphans };
}

async function sweepDirectory(
  engine: Engine,
  directory: string,
  remove: (names: string[]) => Promise<number>,
): Promise<number> {
  let removed = 0;
  let names: string[] = [];
  const flush = async (): Promise<void> => {
    removed += await remove(names);
    names = [];
  };
  for await (const entry of await opendir(directory)) {
    engine.closing.throwIfAborted();
    if (entry.isFile() && isDataId(entry.name) && !engine.ids.isOwn(entry.name)) {
      names.push(entry.name);
      if (names.length === GROUP) {
        await flush();
      }
    }
  }
  await flush();
  return removed;
}

async function forgetCompleted(engine: Engine): Promise<void> {
  const before = engine.now() - COMPLETED_KEPT_MS;
  for await (const [key, value] of engine.index.scanPrefix(COMPLETED)) {
    engine.closing.throwIfAborted();
    if (parseRecord<CompletedRecord>(value).completedMs < before) {
      await engine.commits.commit(() => ({ changes: [{ key, value: undefined }], result: undefined }));
    }
  }
}
