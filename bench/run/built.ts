/** What is measured is what users run: the build, never the source through tsx, whose compiler would be counted too. */
import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { V8_BOUNDS } from '../../dev/entry.ts';

const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));

/** More flags of Node for the processes that are measured: `--cpu-prof`. */
const moreFlags = (): string[] => process.env['WAYBILL_BENCH_FLAGS']?.split(' ') ?? [];

/** The command line of `waybill ARGS…`. */
export function builtCommand(...args: readonly string[]): [string, ...string[]] {
  if (!existsSync(`${DIST}cli/main.js`)) throw new Error('it is not built yet: npm run build');
  return [process.execPath, ...V8_BOUNDS, ...moreFlags(), `${DIST}cli/main.js`, ...args];
}

/** A file of this folder as plain JavaScript over the build, written into `directory`: the command line that runs it. */
export async function buildAgainstDist(
  file: string,
  directory: string,
  ...args: readonly string[]
): Promise<[string, ...string[]]> {
  const name = file.replace(/\.ts$/, '.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL(file, import.meta.url))],
    outfile: `${directory}/${name}`,
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'error',
    plugins: [
      {
        name: 'over-the-build',
        setup(plugin) {
          plugin.onResolve({ filter: /^\.\.\/\.\.\/.*\.ts$/ }, ({ path: to }) => ({
            path: pathToFileURL(`${DIST}${to.slice('../../'.length).replace(/\.ts$/, '.js')}`).href,
            external: true,
          }));
          // From where the packages are: what is written stands outside of the project.
          plugin.onResolve({ filter: /^[a-z@]/ }, ({ path: to }) =>
            to.startsWith('node:') ? { path: to, external: true } : { path: import.meta.resolve(to), external: true },
          );
        },
      },
    ],
  });
  return [process.execPath, ...V8_BOUNDS, ...moreFlags(), `${directory}/${name}`, ...args];
}
