/** What kill -9 leaves of a directory store, at moments that fall where they fall. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createFilesystemStore } from '../../stores/filesystem/create-filesystem-store.ts';
import type { FilesystemStore } from '../../stores/filesystem/create-filesystem-store.ts';
import { buildBytes, toBody } from '../support/store-bytes.ts';
import { drain } from '../support/store-drain.ts';
import { createScratchDirectory } from '../support/store-scratch.ts';

const CHILD = fileURLToPath(new URL('../support/store-crash-child.ts', import.meta.url));
const KILLS = 4;
const SIZES: Readonly<Record<string, number>> = { small: 700, large: 300_000, medium: 40_000, upload: 20_000 };

/** Lets a process write until it acknowledged so many writes, kills it, and returns the last acknowledged version of each key. */
async function writeAndKill(root: string, acknowledgements: number): Promise<Map<string, number>> {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, root], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    if (output.split('\n').length > acknowledgements) {
      child.kill('SIGKILL');
    }
  });
  const signal = await new Promise<NodeJS.Signals | null>((resolve) => child.on('close', (_, name) => resolve(name)));
  assert.equal(signal, 'SIGKILL', errors);
  const acknowledged = new Map<string, number>();
  for (const line of output.split('\n').slice(0, -1)) {
    const [key = '', version = ''] = line.split(' ');
    acknowledged.set(key, Number(version));
  }
  return acknowledged;
}

async function listFiles(root: string, name: 'data' | 'tmp'): Promise<string[]> {
  const entries = await readdir(join(root, name), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

async function countNamedFiles(store: FilesystemStore): Promise<number> {
  let count = 0;
  for (const { sizeBytes } of (await store.list({ bucket: 'crash' })).objects) {
    count += sizeBytes > 16_384 ? 1 : 0;
  }
  for (const upload of await store.listUploads({ bucket: 'crash', prefix: '' })) {
    count += (await store.listParts({ bucket: 'crash', ...upload })).length;
  }
  return count;
}

describe('a directory store whose process was killed', () => {
  it('holds every acknowledged write, or a later one whole, and sweeps what was half done', async () => {
    const scratch = await createScratchDirectory();
    try {
      for (let kill = 0; kill < KILLS; kill++) {
        const acknowledged = await writeAndKill(scratch.path, 25 + kill * 17);
        const store = await createFilesystemStore({ root: scratch.path, fsync: true });
        for (const [key, version] of acknowledged) {
          const { info, body } = await store.get({ bucket: 'crash', key });
          const bytes = await drain(body);
          const found = Number(info.metadata['version']);
          // One write of each key was in flight: it may have come through without being acknowledged.
          assert.ok(found === version || found === version + 1, `${key}: ${String(version)} then ${String(found)}`);
          assert.ok(bytes.equals(buildBytes(SIZES[key] ?? 0, found)), key);
        }
        assert.notEqual(await store.swept, undefined);
        assert.deepEqual(await listFiles(scratch.path, 'tmp'), []);
        assert.equal((await listFiles(scratch.path, 'data')).length, await countNamedFiles(store));
        await store.close();
      }
    } finally {
      await scratch.remove();
    }
  });

  it('loses its temporaries and its orphans, and nothing that is named or not ours', async () => {
    const scratch = await createScratchDirectory();
    const open = (): Promise<FilesystemStore> => createFilesystemStore({ root: scratch.path, fsync: false });
    try {
      await writeAndKill(scratch.path, 12);
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
