/** Runs text or a script in a shell to its end, with nothing of our own environment but the PATH. */
import { spawn } from 'node:child_process';

export const SHELLS = ['dash', 'bash'] as const;
export type Shell = (typeof SHELLS)[number];

export interface ShellEnd {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** A shell may be given options of its own, as in `['-x', FILE]`. */
export async function runShell(
  shell: Shell,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd?: string,
): Promise<ShellEnd> {
  const child = spawn(shell, args, {
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 120_000,
    killSignal: 'SIGKILL',
    ...(cwd !== undefined && { cwd }),
  });
  const chunks: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  return { code, stdout: Buffer.concat(chunks), stderr };
}
