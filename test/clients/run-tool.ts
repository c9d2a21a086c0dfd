/** Runs a client's command to its end. It gets an environment of its own: nothing of this machine's AWS settings, proxies or authorities. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const LIMIT_MS = 120_000;
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

/** @returns standard output. @throws an Error with the end of what it printed */
export async function runTool(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const options = {
    env: { PATH: process.env['PATH'], LANG: 'C.UTF-8', TZ: 'UTC', ...env },
    timeout: LIMIT_MS,
    maxBuffer: OUTPUT_BYTES_MAX,
  };
  try {
    return (await run(file, [...args], options)).stdout;
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as { stdout?: string; stderr?: string; message: string };
    const said = `${stdout}${stderr}`.trim();
    throw new Error(said === '' ? message : said.slice(-1500), { cause: error });
  }
}
