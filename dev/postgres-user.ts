/**
 * Who runs Postgres. It refuses to run as root, so a process that is root starts it as an unprivileged user, and what that user
 * must reach (binaries, data) has to lie where every directory above it can be entered.
 */
import { accessSync, constants, lstatSync, readFileSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** The user to start Postgres as, or null when this process may run it itself. initdb wants one that the system knows by name. */
export function findUnprivilegedUser(dataDir: string): User | null {
  if (process.getuid?.() !== 0) return null;
  // A data directory keeps its owner, or its next start could not read it.
  const owner = lstatSync(dataDir, { throwIfNoEntry: false });
  if (owner !== undefined && owner.isDirectory() && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name, , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter((user) => user.uid > 0);
  const user = users.find((candidate) => candidate.name === 'nobody') ?? users[0];
  if (user === undefined) throw new Error('/etc/passwd names no unprivileged user that Postgres could run as');
  return { uid: user.uid, gid: user.gid };
}

/** True when the user may enter every directory above the path. Without a user: when this process may. */
export function isReachable(file: string, user: User | null): boolean {
  if (user === null) {
    try {
      accessSync(path.dirname(file), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  }
  for (let directory = path.dirname(file); ; directory = path.dirname(directory)) {
    const stat = statSync(directory, { throwIfNoEntry: false });
    if (stat !== undefined) {
      const bit = stat.uid === user.uid ? 0o100 : stat.gid === user.gid ? 0o010 : 0o001;
      if ((stat.mode & bit) === 0) return false;
    }
    if (directory === path.dirname(directory)) return true;
  }
}

/** A directory for temporary files that the user can enter. */
export function findReachableTemp(user: User | null): string {
  return (
    [os.tmpdir(), '/tmp', '/var/tmp'].find((directory) => isReachable(path.join(directory, 'x'), user)) ?? os.tmpdir()
  );
}
