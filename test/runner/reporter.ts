/**
 * The reporter of a test file's process: each finished test as a line of JSON, which `run-file.ts` reads; and a line with the title alone
 * as each begins, which tells where a file was that had to be stopped. Suites are left out: they only group.
 */
import { inspect } from 'node:util';
import type { TestEvent } from 'node:test/reporters';
import type { TestBegun, TestResult } from './result.ts';

export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const titles: string[] = [];
  for await (const event of events) {
    if (event.type === 'test:start') {
      titles.length = event.data.nesting;
      titles.push(event.data.name);
    }
    // `test:start` comes with the result; this one when the test begins.
    if (event.type === 'test:dequeue') {
      yield `${JSON.stringify({ begun: event.data.name } satisfies TestBegun)}\n`;
    }
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    const { data } = event;
    if (data.details.type === 'suite' && event.type === 'test:pass') continue;
    const error = event.type === 'test:fail' ? event.data.details.error : undefined;
    // A suite fails for its tests, which have said so themselves, or for a hook of its own.
    if (data.details.type === 'suite' && /subtests? failed$/.test(error?.message ?? '')) continue;
    const result: TestResult = {
      title: [...titles.slice(0, data.nesting), data.name].join(' > '),
      outcome: isLeftOut(data.skip)
        ? 'skipped'
        : isLeftOut(data.todo)
          ? 'todo'
          : error === undefined
            ? 'passed'
            : 'failed',
      error: error === undefined ? null : inspect(error.cause ?? error, { depth: 6, maxStringLength: 4000 }),
    };
    yield `${JSON.stringify(result)}\n`;
  }
}

/** A reason may be given as a text, and the text may be empty. */
const isLeftOut = (mark: string | boolean | undefined): boolean => mark !== undefined && mark !== false;
