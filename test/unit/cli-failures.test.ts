import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toExitCode } from '../../cli/exit-code.ts';
import { printFailure } from '../../cli/print-failure.ts';
import { FAILURES, WaybillError } from '../../core/failures.ts';
import type { FailureType } from '../../core/failures.ts';

test('every failure has an exit code from 1 to 4, and whatever else is thrown ends with 1', () => {
  for (const type of Object.keys(FAILURES) as FailureType[]) {
    const code = toExitCode(new WaybillError(type, 'it failed'));
    assert.ok(code >= 1 && code <= 4, type);
  }
  const code = (type: FailureType) => toExitCode(new WaybillError(type, ''));
  assert.deepEqual(
    [code('invalid_config'), code('incomplete'), code('target_busy'), code('ledger_unavailable')],
    [2, 3, 4, 4],
  );
  for (const thrown of [new Error('x'), 'x', undefined, null, { type: 'incomplete' }])
    assert.equal(toExitCode(thrown), 1);
});

test('a failure is printed as what happened and what to do, without stack or cause', () => {
  const error = new WaybillError(
    'unknown_pipeline',
    'no pipeline of this name',
    { pipeline: 'x' },
    { cause: new Error('SECRET') },
  );
  assert.equal(
    printFailure(error),
    'waybill: no pipeline of this name [pipeline=x]\nhint: see `waybill pipelines`, GET /v1/pipelines\n',
  );
  assert.match(printFailure(new Error('', { cause: 'SECRET' })), /^waybill: Error\nhint: [^\n]+\n$/);
  assert.match(
    printFailure(Object.assign(new Error('EISDIR: read'), { syscall: 'read' })),
    /^waybill: EISDIR: read\nhint: .*path/,
  );
});
