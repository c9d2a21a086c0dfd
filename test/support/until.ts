/** Asks again and again, with short pauses, until the answer is yes. For what a test cannot be told of. */
import { setTimeout as sleep } from 'node:timers/promises';

const PAUSE_MS = 50;
/** Of no meaning for what is tested: so long may the slowest machine take. Shorter than the runner's limit of a file, whose end tells nothing. */
const WITHIN_MS = 240_000;

/** @throws an Error that shows the question when it is not so within the time */
export async function until(isSo: () => boolean | Promise<boolean>, withinMs = WITHIN_MS): Promise<void> {
  const giveUpAt = Date.now() + withinMs;
  while (!(await isSo())) {
    if (Date.now() > giveUpAt) throw new Error(`it was not so within ${withinMs} ms: ${isSo.toString()}`);
    await sleep(PAUSE_MS);
  }
}
