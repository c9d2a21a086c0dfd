/** How a stack under test starts a process of ours: from the build where the test runner made one, and always as production does. */
import path from 'node:path';
import { V8_BOUNDS, waybillCommand } from '../../dev/entry.ts';

/** The test runner builds first, and says so: a process from the build starts several times as fast as one from source. */
const BUILT_MAIN = path.join(import.meta.dirname, '../../dist/cli/main.js');

/** The command line of `waybill ARGS…`. */
export function stackCommand(...args: readonly string[]): [string, ...string[]] {
  if (process.env['WAYBILL_TEST_BUILT'] === undefined) return waybillCommand(...args);
  return [process.execPath, ...V8_BOUNDS, BUILT_MAIN, ...args];
}
