/** One more worker over the configuration of a stack, as production starts them: only its page of metrics is left out. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseDocument } from 'yaml';
import { startChild, type Child } from '../../dev/child.ts';
import { waybillCommand } from '../../dev/entry.ts';
import { toEnvironments } from '../../dev/secrets.ts';
import type { Stack } from '../../dev/stack.ts';

const BUILT_MAIN = path.join(import.meta.dirname, '../../dist/cli/main.js');

export async function startSecondWorker(stack: Stack): Promise<Child> {
  const config = parseDocument(await readFile(stack.configFile, 'utf8'));
  config.deleteIn(['worker', 'metrics_listen']);
  const configFile = path.join(stack.stateDir, 'second-worker.yaml');
  await writeFile(configFile, config.toString());
  const args = ['worker', '--config', configFile];
  return startChild({
    name: 'second worker',
    command:
      process.env['WAYBILL_TEST_BUILT'] === undefined
        ? waybillCommand(...args)
        : [process.execPath, BUILT_MAIN, ...args],
    env: toEnvironments(stack.secrets, stack.databaseUrl).worker,
    logFile: path.join(stack.stateDir, 'logs/second-worker.log'),
    ready: /waybill worker: running/,
  });
}
