/** Runs a computation that stops every few milliseconds so that the page paints and answers in between. */

/** Under this a page feels immediate, and a key that is pressed meanwhile is answered. */
const SLICE_MS = 30;

/** @param isCurrent false when something else was asked for meanwhile: then the answer is null */
export async function runInSlices<Result>(
  steps: Generator<void, Result>,
  isCurrent: () => boolean,
): Promise<Result | null> {
  for (;;) {
    const until = performance.now() + SLICE_MS;
    while (performance.now() < until) {
      const step = steps.next();
      if (step.done === true) return step.value;
    }
    await new Promise((resume) => setTimeout(resume, 0));
    if (!isCurrent()) return null;
  }
}
