/**
 * Waits until a worker has stopped or failed. After a failure the SDK's own wait may never end: its core waits for a poll that does not
 * come back, and the process would live on and carry out nothing. Its state tells, so it is looked at as well.
 */
import type { Worker } from '@temporalio/worker';
import { WaybillError } from '../core/failures.ts';

const LOOK_MS = 1000;
/** What the SDK's own end takes, where it ends. */
const GRACE_MS = 5000;

/** @throws temporal_unavailable when it failed: Temporal gives it no work any more, though it answers */
export async function waitForEnd(
  worker: Pick<Worker, 'run' | 'getState'>,
  { lookMs = LOOK_MS, graceMs = GRACE_MS } = {},
): Promise<void> {
  const run = worker.run();
  let timer: NodeJS.Timeout | undefined;
  const failed = new Promise<never>((_, reject) => {
    let looks = 0;
    timer = setInterval(() => {
      if (worker.getState() === 'FAILED' && ++looks * lookMs >= graceMs) reject(new Error('it did not end'));
    }, lookMs);
  });
  try {
    await Promise.race([run, failed]);
  } catch (cause) {
    run.catch(() => undefined);
    throw new WaybillError('temporal_unavailable', 'the worker failed: Temporal gives it no work', {}, { cause });
  } finally {
    clearInterval(timer);
  }
}
