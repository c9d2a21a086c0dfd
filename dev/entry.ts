/** How a process of ours is started: from the build where this is the build, from source where this is source. */
import { fileURLToPath } from 'node:url';

const FROM_SOURCE = import.meta.url.endsWith('.ts');
const MAIN = fileURLToPath(new URL(`../cli/main.${FROM_SOURCE ? 'ts' : 'js'}`, import.meta.url));

/** The command line of `waybill ARGS…`. */
export function waybillCommand(...args: readonly string[]): [string, ...string[]] {
  return [process.execPath, ...(FROM_SOURCE ? ['--import', 'tsx'] : []), MAIN, ...args];
}
