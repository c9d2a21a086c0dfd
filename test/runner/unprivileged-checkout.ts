/** A copy of the built checkout that an unprivileged user may read and not write, with a home and a temporary directory of its own. */
import { chmod, chown, cp, mkdir, readdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import { findUnprivilegedUser, isReachable, type User } from '../../dev/postgres-user.ts';

export interface UnprivilegedCheckout {
  readonly user: User;
  readonly dir: string;
  readonly env: NodeJS.ProcessEnv;
}

/** What `waybill demo` needs of the checkout, beside its packages. */
const COPIED = ['cli', 'dist', 'migrations', 'package.json'];

/** Null when this process is not root, and so is the unprivileged user itself. */
export async function createUnprivilegedCheckout(root: string, home: string): Promise<UnprivilegedCheckout | null> {
  const user = findUnprivilegedUser(path.join(home, 'nothing'));
  if (user === null) return null;
  const dir = path.join(home, 'checkout');
  const own = path.join(home, 'home');
  await mkdir(dir, { recursive: true });
  for (const name of COPIED) await cp(path.join(root, name), path.join(dir, name), { recursive: true });
  for (const name of await readdir(dir, { recursive: true })) {
    // Readable and enterable for all: whatever the umask was when the checkout was made.
    await chmod(path.join(dir, name), 0o755);
  }
  const packages = path.join(root, 'node_modules');
  if (isReachable(path.join(packages, 'x'), user)) await symlink(packages, path.join(dir, 'node_modules'));
  else await cp(packages, path.join(dir, 'node_modules'), { recursive: true, verbatimSymlinks: true });
  await mkdir(own);
  await chown(own, user.uid, user.gid);
  const { PATH } = process.env;
  return { user, dir, env: { PATH, HOME: own, TMPDIR: own, USER: 'nobody' } };
}
