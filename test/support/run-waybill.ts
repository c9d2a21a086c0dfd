/** Runs the command line from source, as a process of its own, to its end. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Writes the peak of the process's memory in KiB on stderr when it ends. */
const REPORT_PEAK =
  "data:text/javascript,process.on('exit',()=>process.stderr.write('peak '+process.resourceUsage().maxRSS+'\\n'))";

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** In bytes; asked for with `reportPeak`. */
  readonly peakBytes: number;
}

export interface RunOptions {
  readonly input?: AsyncIterable<string> | Iterable<string>;
  readonly env?: Readonly<Record<string, string>>;
  readonly reportPeak?: boolean;
  /** Closes its end of stdout after so many bytes. */
  readonly leaveAfterBytes?: number;
}

export async function runWaybill(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const nodeArgs = [
    '--import',
    'tsx',
    ...(options.reportPeak === true ? ['--import', REPORT_PEAK] : []),
    'cli/main.ts',
  ];
  const child = spawn(process.execPath, [...nodeArgs, ...args], { cwd: ROOT, env: { ...process.env, ...options.env } });
  let stdout = '';
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (stdout.length >= (options.leaveAfterBytes ?? Infinity)) child.stdout.destroy();
  });
  // A command that ended early leaves its input unread.
  child.stdin.on('error', () => {});
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  for await (const text of options.input ?? []) {
    if (!child.stdin.write(text) && !child.stdin.destroyed) {
      await Promise.race([new Promise((resolve) => child.stdin.once('drain', resolve)), ended]);
    }
  }
  child.stdin.end();
  const code = await ended;
  return { code, stdout, stderr, peakBytes: Number(/^peak (\d+)$/m.exec(stderr)?.[1] ?? 0) * 1024 };
}
