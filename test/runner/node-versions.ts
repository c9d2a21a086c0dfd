/** The Node binaries that Waybill supports, from their npm packages: nothing has to be installed on the machine. */
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runToEnd } from './process-group.ts';

export interface NodeBinary {
  /** `22.23.3`. */
  readonly version: string;
  readonly file: string;
}

const MAJORS = [22, 24, 26];
const INSTALL_LIMIT_MS = 300_000;

export const currentNode = (): NodeBinary => ({ version: process.versions.node, file: process.execPath });

/** One of each major that is not the current one. @throws an Error with npm's output when a package cannot be had */
export async function fetchNodes(dir: string, signal: AbortSignal): Promise<NodeBinary[]> {
  const nodes: NodeBinary[] = [];
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  for (const major of MAJORS.filter((one) => !process.versions.node.startsWith(`${one}.`))) {
    const home = path.join(dir, String(major));
    await mkdir(home, { recursive: true });
    await writeFile(path.join(home, 'package.json'), '{"private":true}');
    const command = ['npm', 'install', '--no-audit', '--no-fund', '--no-package-lock', `${name}@${major}`] as const;
    const { code, output } = await runToEnd({
      command: [...command],
      cwd: home,
      env: process.env,
      limitMs: INSTALL_LIMIT_MS,
      signal,
    });
    if (code !== 0) throw new Error(`${name}@${major} cannot be installed: ${code}\n${output}`);
    const installed = path.join(home, 'node_modules', name);
    const { version } = JSON.parse(readFileSync(path.join(installed, 'package.json'), 'utf8')) as { version: string };
    nodes.push({ version, file: path.join(installed, 'bin', process.platform === 'win32' ? 'node.exe' : 'node') });
  }
  return nodes;
}
