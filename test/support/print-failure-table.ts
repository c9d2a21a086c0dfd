/** docs/failures.md, from the one table of failures. `node --import tsx test/support/print-failure-table.ts > docs/failures.md` writes it. */
import { pathToFileURL } from 'node:url';
import { FAILURES } from '../../core/failures.ts';

export function printFailureTable(): string {
  const rows = Object.entries(FAILURES).map(
    ([type, { retryable, httpStatus, meaning, hint }]) =>
      `| \`${type}\` | ${meaning} | ${retryable ? 'yes' : 'no'} | ${httpStatus} | ${hint} |`,
  );
  return [
    '# Failures',
    '',
    'Every failure of a run, of the API and of the command line has one of these types. The API answers with a problem whose `type` is',
    '`/problems/TYPE`; a run that did not end well has one as `failure.type`; the command line prints the hint. This page is made from',
    '`core/failures.ts`.',
    '',
    '| type | what it means | tried again by itself | HTTP | what to do |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.stdout.write(printFailureTable());
