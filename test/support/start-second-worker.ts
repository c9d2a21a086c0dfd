/** One more worker over the configuration of a stack, as production starts them: only its page of metrics is left out. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseDocument } from 'yaml';
import { startChild, type Child } from '../../dev/child.ts';
import { MALLOC_BOUNDS } from '../../dev/entry.ts';
import { toEnvironments } from '../../dev/secrets.ts';
import type { Stack } from '../../dev/stack.ts';
import { stackCommand } from './stack-command.ts';

export async function startSecondWorker(stack: Stack): Promise<Child> {
  const config = parseDocument(await readFile(stack.configFile, 'utf8'));
  config.deleteIn(['worker', 'metrics_listen']);
  const configFile = path.join(stack.stateDir, 'second-worker.yaml');
  await writeFile(configFile, config.toString());
  return startChild({
    name: 'second worker',
    command: stackCommand('worker', '--config', configFile),
    env: { ...MALLOC_BOUNDS, ...toEnvironments(stack.secrets, stack.databaseUrl).worker },
    logFile: path.join(stack.stateDir, 'logs/second-worker.log'),
    ready: /waybill worker: running/,
  });
}
