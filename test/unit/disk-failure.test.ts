import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isWaybillError, WaybillError } from '../../core/failures.ts';
import { guard, toDiskFailure } from '../../stores/filesystem/disk-failure.ts';

it('a full disk and a failing one are store_error, and say which', () => {
  for (const [code, words] of [
    ['ENOSPC', /disk of the store is full/],
    ['EIO', /disk of the store failed/],
    ['LEVEL_IO_ERROR', /index of the store cannot be/],
    ['EUNHEARD', /directory store failed/],
  ] as const) {
    const failure = toDiskFailure(Object.assign(new Error('raw'), { code }), 'put');
    assert.ok(isWaybillError(failure) && failure.type === 'store_error');
    assert.match(failure.message, words);
    assert.equal(failure.details['code'], code);
  }
});

it('our own failures and cancellations pass through untouched', async () => {
  const own = new WaybillError('no_such_key', 'gone');
  assert.equal(toDiskFailure(own, 'get'), own);
  const stop = new AbortController();
  const reason = new Error('the activity was cancelled');
  stop.abort(reason);
  await assert.rejects(
    guard('put', () => Promise.resolve(), stop.signal),
    (error) => error === reason,
  );
});
