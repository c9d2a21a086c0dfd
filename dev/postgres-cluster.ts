/**
 * Where a cluster lives, and making one. initdb works in a directory beside it, which is renamed when it is complete: a start that
 * was killed half way leaves no half cluster behind.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readlinkSync, rmSync } from 'node:fs';
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { findReachableTemp, isReachable, type User } from './postgres-user.ts';
import { isAlive, readPostmaster } from './postmaster.ts';

const ELSEWHERE = '/var/tmp';
/** Names the link that leads here. */
const ORIGIN = 'origin';

/**
 * The directory that holds the cluster: `dataDir` itself, or, where the unprivileged user cannot enter it, a directory in /var/tmp
 * that `dataDir` becomes a link to. Without the link (somebody removed the state to start over) what lies there is removed.
 */
export async function placeCluster(dataDir: string, user: User | null): Promise<string> {
  if (user === null || isReachable(dataDir, user)) return dataDir;
  await removeAbandoned();
  const name = createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
  const parent = path.join(ELSEWHERE, `waybill-${name}`);
  const clusterDir = path.join(parent, 'postgres');
  if (lstatSync(dataDir, { throwIfNoEntry: false }) === undefined) {
    await rm(parent, { recursive: true, force: true });
    // The link comes first: a directory that says where its link is, and has none, is abandoned.
    await symlink(clusterDir, dataDir);
  } else if (!(await lstat(dataDir)).isSymbolicLink()) {
    throw new Error(`${dataDir} holds a cluster that the user with id ${String(user.uid)} cannot enter`);
  }
  await mkdir(parent, { recursive: true });
  // /var/tmp is everybody's: nobody else may have put the directory there.
  if (lstatSync(parent).uid !== 0) throw new Error(`${parent} belongs to another user`);
  await chmod(parent, 0o755);
  await writeFile(path.join(parent, ORIGIN), dataDir);
  return clusterDir;
}

/** Removes clusters in /var/tmp whose link is gone (somebody removed the state to be rid of it) and that nobody runs. */
async function removeAbandoned(): Promise<void> {
  const names = (await readdir(ELSEWHERE)).filter((name) => /^waybill-[0-9a-f]{16}$/.test(name));
  for (const parent of names.map((name) => path.join(ELSEWHERE, name))) {
    const clusterDir = path.join(parent, 'postgres');
    const origin = await readFile(path.join(parent, ORIGIN), 'utf8').catch(() => null);
    if (origin === null || lstatSync(parent).uid !== 0) continue;
    if ((await readlink(origin).catch(() => null)) === clusterDir) continue;
    const postmaster = readPostmaster(clusterDir);
    if (postmaster === null || !isAlive(postmaster.pid)) await rm(parent, { recursive: true, force: true });
  }
}

/** Removes one that nobody runs, wherever it lives; for a process that ends. */
export function removeCluster(dataDir: string): void {
  const isLink = lstatSync(dataDir, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  if (isLink) rmSync(path.dirname(readlinkSync(dataDir)), { recursive: true, force: true });
  rmSync(dataDir, { recursive: true, force: true });
}

/** Makes the cluster where there is none. */
export async function createCluster(
  initdb: string,
  clusterDir: string,
  options: { user: User | null; superuser: string; password: string; fast: boolean },
): Promise<void> {
  if (existsSync(path.join(clusterDir, 'PG_VERSION'))) return;
  const { user } = options;
  const partialDir = `${clusterDir}.partial`;
  await rm(partialDir, { recursive: true, force: true });
  await mkdir(partialDir, { mode: 0o700 });
  // initdb takes a password only from a file, which its user must be able to read and nobody else.
  const secretDir = await mkdtemp(path.join(findReachableTemp(user), 'waybill-initdb-'));
  const passwordFile = path.join(secretDir, 'password');
  try {
    await writeFile(passwordFile, options.password, { mode: 0o600 });
    if (user !== null) {
      for (const file of [partialDir, secretDir, passwordFile]) await chown(file, user.uid, user.gid);
    }
    const args = ['--encoding=UTF8', '--locale=C', '--auth=scram-sha-256', `--username=${options.superuser}`];
    if (options.fast) args.push('--no-sync');
    await promisify(execFile)(initdb, [...args, `--pwfile=${passwordFile}`, `--pgdata=${partialDir}`], {
      cwd: '/',
      env: { LC_ALL: 'C', TZ: 'UTC' },
      ...(user ?? {}),
    });
  } finally {
    await rm(secretDir, { recursive: true, force: true });
  }
  await rm(clusterDir, { recursive: true, force: true });
  await rename(partialDir, clusterDir);
}
