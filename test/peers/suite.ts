/** What the public suites have in common: how one is run, what of it counts, and which of its wishes are not ours. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import type { StartedServer } from './servers.ts';

export interface SuiteRun {
  /** Why a test failed by its name; null for one that passed. */
  readonly outcomes: ReadonlyMap<string, string | null>;
  /** Why not every test was run; null when all were. */
  readonly broken: string | null;
}

export interface Suite {
  readonly name: string;
  /** The server whose makers wrote it; '' for none. */
  readonly ownOf: string;
  /** Why it cannot be run here; null when it can. */
  readonly missing: string | null;
  /** Only tests of operations that waybill offers count, for every server. */
  readonly isCounted: (test: string) => boolean;
  /** Counted tests that want what waybill does not do, and why. Any other failure is a fault. */
  readonly deviations: Readonly<Record<string, string>>;
  run(server: StartedServer, temporaryDir: string, signal: AbortSignal): Promise<SuiteRun>;
}

export interface Tool {
  readonly command: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** All that it prints goes here. */
  readonly outputFile: string;
  readonly limitMs: number;
}

/** @returns the exit code, or what ended it. The suites get none of this machine's AWS settings, proxies or authorities. */
export async function runSuiteTool(tool: Tool, signal: AbortSignal): Promise<number | string> {
  const [file, ...args] = tool.command;
  const output = await open(tool.outputFile, 'w');
  try {
    const child = spawn(file, args, {
      cwd: tool.cwd,
      env: { PATH: process.env['PATH'], HOME: tool.cwd, LANG: 'C.UTF-8', TZ: 'UTC', ...tool.env },
      stdio: ['ignore', output.fd, output.fd],
      timeout: tool.limitMs,
      killSignal: 'SIGKILL',
      signal,
    });
    const [code, by] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return code ?? by ?? 'unknown';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await output.close();
  }
}
