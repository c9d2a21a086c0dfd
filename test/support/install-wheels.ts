/**
 * Tools that come as Python wheels, in a directory of the cache that is made once for each list of requirements: `bin/` of it has
 * their commands, and PYTHONPATH names it for those that are written in Python. Null, with the reason said, where there is no
 * Python with pip or no registry: tests of such a tool are then not there, which is not the same as passed.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const INSTALL_LIMIT_MS = 5 * 60 * 1000;

export async function installWheels(
  name: string,
  requirements: readonly string[],
  say: (line: string) => void,
): Promise<string | null> {
  const hash = createHash('sha256').update(requirements.join('\n')).digest('hex').slice(0, 12);
  const dir = path.join(findCacheDir(), `${name}-${hash}`);
  if (existsSync(dir)) return dir;
  try {
    await mkdir(path.dirname(dir), { recursive: true });
    // Made aside and renamed: whoever comes at the same time sees it whole or not at all.
    const made = await mkdtemp(`${dir}-`);
    try {
      const flags = ['--quiet', '--disable-pip-version-check', '--no-warn-script-location', '--only-binary=:all:'];
      await run('python3', ['-m', 'pip', 'install', ...flags, '--target', made, ...requirements], {
        timeout: INSTALL_LIMIT_MS,
      });
      await rename(made, dir).catch((error: unknown) => {
        if (!existsSync(dir)) throw error;
      });
    } finally {
      await rm(made, { recursive: true, force: true });
    }
    return dir;
  } catch (error) {
    say(`${name} cannot be installed: ${lastLine(error)}`);
    return null;
  }
}

export function findCacheDir(): string {
  const { WAYBILL_CACHE, XDG_CACHE_HOME } = process.env;
  const base = WAYBILL_CACHE ?? path.join(XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache'), 'waybill');
  return path.join(base, 'clients');
}

/** pip ends with what went wrong. */
function lastLine(error: unknown): string {
  const { stderr = '', message = 'failed' } = error as { stderr?: string; message?: string };
  const text = stderr.trim() === '' ? message : stderr;
  return text.trim().split('\n').at(-1)?.slice(0, 200) ?? 'failed';
}
