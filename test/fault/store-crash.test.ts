/** What kill -9 leaves of a directory store: at moments that fall where they fall, and between its system calls. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createFilesystemStore } from '../../stores/filesystem/create-filesystem-store.ts';
import type { FilesystemStore } from '../../stores/filesystem/create-filesystem-store.ts';
import { buildBytes, toBody } from '../support/store-bytes.ts';
import { checkSurvivors, countNamedFiles, listFiles, writeAndKill } from '../support/store-crash.ts';
import type { Versions } from '../support/store-crash.ts';
import { createScratchDirectory } from '../support/store-scratch.ts';

const KILLS = 10;
/** Steps of one process: of its opening and its first writes, each call counting before and after. */
const STEPS = [1, 2, 3, 5, 8, 13, 20, 27, 34, 41, 55, 89, 144];

describe('a directory store whose process was killed', () => {
  it('holds every acknowledged write, or a later one whole, and sweeps what was half done', async () => {
    const scratch = await createScratchDirectory();
    try {
      const versions: Versions = new Map();
      for (let kill = 0; kill < KILLS; kill++) {
        await writeAndKill(scratch.path, { acknowledgements: 12 + kill * 9 }, versions);
        await checkSurvivors(scratch.path, versions);
      }
    } finally {
      await scratch.remove();
    }
  });

  it('holds every acknowledged write when it dies between two of its system calls', async () => {
    const scratch = await createScratchDirectory();
    try {
      const versions: Versions = new Map();
      for (const step of STEPS) {
        await writeAndKill(scratch.path, { step }, versions);
        await checkSurvivors(scratch.path, versions);
      }
    } finally {
      await scratch.remove();
    }
  });

  it('loses its temporaries and its orphans, and nothing that is named or not ours', async () => {
    const scratch = await createScratchDirectory();
    const open = (): Promise<FilesystemStore> => createFilesystemStore({ root: scratch.path, fsync: false });
    try {
      await writeAndKill(scratch.path, { acknowledgements: 12 }, new Map());
      const lost = '0123456789ab0000000000';
      await mkdir(join(scratch.path, 'data', '00'), { recursive: true });
      await writeFile(join(scratch.path, 'tmp', lost), 'half a body');
      await writeFile(join(scratch.path, 'data', '00', lost), 'a body whose record was never written');
      await writeFile(join(scratch.path, 'data', '00', 'notes.txt'), 'not ours');
      const store = await open();
      const put = store.put({ bucket: 'crash', key: 'new', headers: { metadata: {} } }, toBody(buildBytes(50_000, 1)));
      const swept = await store.swept;
      await put;
      assert.ok(swept !== undefined && swept.temporaries >= 1 && swept.orphans >= 1, JSON.stringify(swept));
      const files = await listFiles(scratch.path, 'data');
      assert.ok(files.includes('notes.txt') && !files.includes(lost));
      assert.equal(files.length, (await countNamedFiles(store)) + 1);
      assert.deepEqual(await listFiles(scratch.path, 'tmp'), []);
      await store.close();
      const again = await open();
      assert.deepEqual(await again.swept, { temporaries: 0, orphans: 0 });
      assert.deepEqual((await listFiles(scratch.path, 'data')).sort(), files.sort());
      await again.close();
    } finally {
      await scratch.remove();
    }
  });
});
