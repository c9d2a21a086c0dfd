/** In a process of its own: the test runner has async hooks of its own on. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';

const PROGRAM = `
import { AsyncLocalStorage, executionAsyncId } from 'node:async_hooks';
import { asyncLocalStorage } from '@temporalio/activity';
import { createLeaveAsyncContext } from './worker/leave-async-context.ts';
const connection = { callContextStorage: new AsyncLocalStorage() };
const leave = createLeaveAsyncContext(connection);
// With promise hooks the continuation of an await has an id of its own.
const run = (begin) =>
  asyncLocalStorage.run({}, () =>
    connection.callContextStorage.run({}, async () => {
      const had = asyncLocalStorage.getStore() !== undefined && connection.callContextStorage.getStore() !== undefined;
      begin();
      await null;
      return had + (executionAsyncId() === 0 ? ' off' : ' on');
    }),
  );
const ends = [await run(() => undefined), await run(leave), await run(() => undefined), await run(leave)];
console.log(ends.join(', '));
`;

/** From Node 24 on an AsyncLocalStorage needs no hooks. */
const inUse = Number(process.versions.node.split('.')[0]) < 24 ? 'on' : 'off';

test('an activity that has left its context runs without promise hooks, and the next one has its context again', () => {
  const { stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', PROGRAM], {
    cwd: path.join(import.meta.dirname, '../..'),
    encoding: 'utf8',
  });
  assert.equal(stdout, `true ${inUse}, true off, true ${inUse}, true off\n`, stderr);
});
