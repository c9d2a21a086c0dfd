/** How a process of ours is started: from the build where this is the build, from source where this is source. */
import { fileURLToPath } from 'node:url';
import { MALLOC_MMAP_BYTES } from '../core/limits.ts';

/**
 * V8's bounds, which Node does not take from anywhere but its command line. On a machine with much memory V8 lets its heap grow long
 * before it collects: over 200,000 objects a worker that needs 100 MiB of heap came to 425 MiB of memory, and with these bounds to 250.
 * `cli/waybill.js` and the Dockerfile say the same.
 */
export const V8_BOUNDS = ['--max-old-space-size=200', '--max-semi-space-size=8'] as const;

/** glibc's bound, which it reads from the environment before anything of ours runs; others ignore it. Said in the same places. */
export const MALLOC_BOUNDS = { MALLOC_MMAP_THRESHOLD_: String(MALLOC_MMAP_BYTES) } as const;

const FROM_SOURCE = import.meta.url.endsWith('.ts');
const MAIN = fileURLToPath(new URL(`../cli/main.${FROM_SOURCE ? 'ts' : 'js'}`, import.meta.url));

/** The command line of `waybill ARGS…`. */
export function waybillCommand(...args: readonly string[]): [string, ...string[]] {
  return [process.execPath, ...V8_BOUNDS, ...(FROM_SOURCE ? ['--import', 'tsx'] : []), MAIN, ...args];
}
