/** What a person reads: a line for each file as it ends, the failures again when all is done, and the count as the very last line. */
import { isPassed, type FileResult } from './result.ts';

const OUTPUT_LINES = 40;

export function printLine({ name, tests, seconds }: FileResult): string {
  const failed = tests.filter((test) => !isPassed(test)).length;
  const count = `${tests.length} ${tests.length === 1 ? 'test' : 'tests'}`;
  return `${failed === 0 ? 'ok    ' : 'FAILED'} ${name} (${count}${failed === 0 ? '' : `, ${failed} failed`}, ${seconds.toFixed(1)} s)`;
}

/** Empty when nothing failed. */
export function printFailures(results: readonly FileResult[]): string {
  return results
    .filter(({ tests }) => !tests.every(isPassed))
    .map(({ name, tests, output }) => {
      const failures = tests
        .filter((test) => !isPassed(test))
        .map(
          ({ title, outcome, error }) =>
            `  ${outcome}: ${title}\n${indent(error ?? `a test that is ${outcome} proves nothing`)}`,
        );
      const printed =
        output.trim() === ''
          ? []
          : [`  printed:\n${indent(output.trim().split('\n').slice(-OUTPUT_LINES).join('\n'))}`];
      return `\n${name}\n${[...failures, ...printed].join('\n')}\n`;
    })
    .join('');
}

/** `N passed, N failed`: other programs read it. */
export function printCount(results: readonly FileResult[]): string {
  const tests = results.flatMap((result) => result.tests);
  const passed = tests.filter(isPassed).length;
  return `${passed} passed, ${tests.length - passed} failed`;
}

const indent = (text: string): string => text.replace(/^/gm, '    ');
