import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printPipelines } from '../../cli/pipelines.ts';

test('pipelines are a line each, with where from, where to and when', () => {
  const source = { store: 'a', bucket: 'source', prefix: '' };
  const target = { store: 'b', bucket: 'target', prefix: 'copy/' };
  const schedule = { cron: '0 3 * * *', timezone: 'Europe/Berlin', paused: true };
  assert.equal(
    printPipelines([
      { name: 'a-to-b', source, target, schedule: null },
      { name: 'nightly', source: { ...source, prefix: 'docs/' }, target, schedule },
    ]),
    [
      'PIPELINE  SOURCE          TARGET          SCHEDULE',
      'a-to-b    a:source/       b:target/copy/  -',
      'nightly   a:source/docs/  b:target/copy/  0 3 * * * Europe/Berlin (paused)',
      '',
    ].join('\n'),
  );
  assert.equal(printPipelines([]), 'PIPELINE  SOURCE  TARGET  SCHEDULE\n');
});
