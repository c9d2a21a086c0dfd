/** Kills processes that write to a directory store, and checks what they left. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isWaybillError } from '../../core/failures.ts';
import { createFilesystemStore } from '../../stores/filesystem/create-filesystem-store.ts';
import type { FilesystemStore } from '../../stores/filesystem/create-filesystem-store.ts';
import type { SweepResult } from '../../stores/filesystem/sweep.ts';
import { buildBytes, toChecksum, toMd5 } from './store-bytes.ts';
import { drain } from './store-drain.ts';

/** How the writing process is started; by default from its source. */
export const CHILD: readonly string[] = [
  '--import',
  'tsx',
  fileURLToPath(new URL('./store-crash-child.ts', import.meta.url)),
];

/** By key, of each version. */
const SIZES: Readonly<Record<string, number>> = {
  small: 700,
  large: 300_000,
  medium: 40_000,
  upload: 20_000,
  deleted: 30_000,
};

/** The version of each key that is known to be on disk. An even version of `deleted`, 0 among them, is its absence. */
export type Versions = Map<string, number>;

export interface Kill {
  /** The parent kills after so many acknowledged writes, or the child kills itself at this step. */
  readonly acknowledgements?: number;
  readonly step?: number;
}

/** @returns how many writes were acknowledged. `versions` moves on to the last acknowledged ones. */
export async function writeAndKill(
  root: string,
  kill: Kill,
  versions: Versions,
  child: readonly string[] = CHILD,
): Promise<number> {
  const { acknowledgements = Infinity, step } = kill;
  const args = [...child, root, ...(step === undefined ? [] : [String(step)])];
  const writer = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  writer.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  writer.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    if (output.split('\n').length > acknowledgements) {
      writer.kill('SIGKILL');
    }
  });
  const signal = await new Promise<NodeJS.Signals | null>((resolve) => writer.on('close', (_, name) => resolve(name)));
  assert.equal(signal, 'SIGKILL', errors);
  const lines = output.split('\n').slice(0, -1);
  for (const line of lines) {
    const [key = '', version = ''] = line.split(' ');
    versions.set(key, Number(version));
  }
  return lines.length;
}

/**
 * Every acknowledged write is there, or the one that was in flight behind it; whole; and no file is there that nothing names.
 * `versions` moves on to what was found.
 */
export async function checkSurvivors(root: string, versions: Versions): Promise<SweepResult> {
  const store = await createFilesystemStore({ root, fsync: true });
  try {
    for (const key of Object.keys(SIZES)) {
      const known = versions.get(key) ?? 0;
      const found = await readVersion(store, key);
      const possible = [known, known + 1].map((version) => (key === 'deleted' && version % 2 === 0 ? 0 : version));
      assert.ok(possible.includes(found), `${key}: ${String(known)} was acknowledged, ${String(found)} is there`);
      versions.set(key, found);
    }
    const swept = await store.swept;
    assert.ok(swept !== undefined);
    assert.deepEqual(await listFiles(root, 'tmp'), []);
    assert.equal((await listFiles(root, 'data')).length, await countNamedFiles(store));
    return swept;
  } finally {
    await store.close();
  }
}

/** 0 when it is not there. */
async function readVersion(store: FilesystemStore, key: string): Promise<number> {
  try {
    const { info, body } = await store.get({ bucket: 'crash', key });
    const bytes = await drain(body);
    const version = Number(info.metadata['version']);
    assert.ok(bytes.equals(buildBytes(SIZES[key] ?? 0, version)), `${key} is not whole`);
    assert.deepEqual(info.checksum, await toChecksum('CRC64NVME', bytes));
    assert.ok(key === 'upload' || info.etag === toMd5(bytes));
    return version;
  } catch (error) {
    if (isWaybillError(error) && (error.type === 'no_such_key' || error.type === 'no_such_bucket')) {
      return 0;
    }
    throw error;
  }
}

export async function listFiles(root: string, name: 'data' | 'tmp'): Promise<string[]> {
  const entries = await readdir(join(root, name), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

export async function countNamedFiles(store: FilesystemStore): Promise<number> {
  if (!(await store.listBuckets()).some(({ name }) => name === 'crash')) {
    return 0;
  }
  let count = 0;
  for (const { sizeBytes } of (await store.list({ bucket: 'crash' })).objects) {
    count += sizeBytes > 16_384 ? 1 : 0;
  }
  for (const upload of await store.listUploads({ bucket: 'crash', prefix: '' })) {
    count += (await store.listParts({ bucket: 'crash', ...upload })).length;
  }
  return count;
}
