/**
 * The directory of a store:
 *
 *   index/     LevelDB
 *   data/xx/   one file for each object above the inline limit and for each part, named by a data id, whole and synced
 *   tmp/       files that are being written; worth nothing once their process is gone
 */
import { mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { WaybillError } from '../../core/failures.ts';
import { toDirectoryName } from './data-id.ts';
import type { Disk } from './disk.ts';

export interface Layout {
  readonly root: string;
  readonly index: string;
  readonly data: string;
  readonly temporary: string;
}

const OURS = new Set(['index', 'data', 'tmp']);
/** What a fresh mount or a version control system leaves in an empty directory. */
const HARMLESS = /^(\..*|lost\+found)$/;

export const toDataDirectory = (layout: Layout, id: string): string => join(layout.data, toDirectoryName(id));
export const toDataPath = (layout: Layout, id: string): string => join(layout.data, toDirectoryName(id), id);
export const toTemporaryPath = (layout: Layout, id: string): string => join(layout.temporary, id);

/**
 * Creates what is missing. Doing it again changes nothing. With `sync` all their names are on disk afterwards: an index that is synced in
 * a directory whose own name is not would be lost with it.
 * @throws store_refused when the directory holds other files and no store: it would be a mistake to mix the two
 */
export async function openLayout(root: string, disk: Disk, sync: boolean): Promise<Layout> {
  const layout = { root, index: join(root, 'index'), data: join(root, 'data'), temporary: join(root, 'tmp') };
  // Whoever may enter may read every object without a signature.
  const created = await mkdir(root, { recursive: true, mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
    throw new WaybillError('store_refused', 'a file stands where the directory of the store should be', { root });
  });
  const names = await readdir(root);
  const foreign = names.find((name) => !OURS.has(name) && !HARMLESS.test(name));
  if (foreign !== undefined && !names.includes('index')) {
    throw new WaybillError('store_refused', 'the directory is neither empty nor a store', { root, found: foreign });
  }
  for (const directory of [layout.index, layout.temporary, layout.data]) {
    await mkdir(directory, { recursive: true, mode: 0o700 });
  }
  if (sync) {
    await disk.syncDirectory(root);
    for (let name = root; created !== undefined && name.length >= created.length; name = dirname(name)) {
      await disk.syncDirectory(dirname(name));
    }
  }
  return layout;
}
