/** The negative control of the replay test: every workflow waits a moment before it does what it did when the histories were made. */
import { sleep } from '@temporalio/workflow';
import * as workflows from '../../workflows/index.ts';
import type { RunInput, RunResult, ScheduledRunInput, VerifyInput } from '../../workflows/types.ts';

export async function run(input: RunInput): Promise<RunResult> {
  await sleep(1);
  return workflows.run(input);
}

export async function verify(input: VerifyInput): ReturnType<typeof workflows.verify> {
  await sleep(1);
  return workflows.verify(input);
}

export async function scheduledRun(input: ScheduledRunInput): ReturnType<typeof workflows.scheduledRun> {
  await sleep(1);
  return workflows.scheduledRun(input);
}
