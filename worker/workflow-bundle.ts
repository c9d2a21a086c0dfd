/**
 * The workflows' bundle. `npm run build` makes it once (a second of webpack) and a worker ships it; run from sources, it is made at
 * the worker's start.
 */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, type WorkerOptions } from '@temporalio/worker';

const RUNS_FROM_SOURCE = import.meta.url.endsWith('.ts');
const BUNDLE = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));
const ENTRY = fileURLToPath(new URL(`../workflows/index.${RUNS_FROM_SOURCE ? 'ts' : 'js'}`, import.meta.url));

export function findWorkflowCode(): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'> {
  return !RUNS_FROM_SOURCE && existsSync(BUNDLE) ? { workflowBundle: { codePath: BUNDLE } } : { workflowsPath: ENTRY };
}

/** Writes the bundle beside the compiled worker. */
export async function writeWorkflowBundle(): Promise<string> {
  const { code } = await bundleWorkflowCode({ workflowsPath: ENTRY });
  await writeFile(BUNDLE, code);
  return BUNDLE;
}
