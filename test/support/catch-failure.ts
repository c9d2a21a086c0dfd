import assert from 'node:assert/strict';
import { isWaybillError } from '../../core/failures.ts';
import type { FailureType, WaybillError } from '../../core/failures.ts';

/** The failure that a promise rejects with, which has to be one of ours and of this type. */
export async function catchFailure(type: FailureType, promise: Promise<unknown>): Promise<WaybillError> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!isWaybillError(outcome)) assert.fail(`expected ${type}, got ${String(outcome)}`);
  assert.equal(outcome.type, type, outcome.message);
  return outcome;
}
