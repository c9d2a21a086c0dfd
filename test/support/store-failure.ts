/** Asserts that something fails with a failure of our table. */
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { isWaybillError } from '../../core/failures.ts';
import type { FailureType } from '../../core/failures.ts';

/** @param types the type, or several that are equally right; s3Code is compared where it is given */
export async function assertFails(
  promise: Promise<unknown>,
  types: FailureType | readonly FailureType[],
  s3Code?: string,
): Promise<void> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error !== undefined, `it succeeded, but should have failed with ${String(types)}`);
  assert.ok(isWaybillError(error), `it failed with something that is not ours: ${inspect(error)}`);
  assert.ok([types].flat().includes(error.type), `expected ${String(types)}, got ${error.type}: ${error.message}`);
  if (s3Code !== undefined) {
    assert.equal(error.details['s3Code'], s3Code, error.message);
  }
}
