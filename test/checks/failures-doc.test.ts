import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { FAILURES, NON_RETRYABLE_TYPES, WaybillError, isWaybillError, type FailureType } from '../../core/failures.ts';
import { printFailureTable } from '../support/print-failure-table.ts';

const DOC = path.join(import.meta.dirname, '../../docs/failures.md');

test('docs/failures.md says what the table says', async () => {
  const squeeze = (text: string): string => text.replace(/ +\|/g, ' |').replace(/-{3,}/g, '---');
  assert.equal(squeeze(await readFile(DOC, 'utf8')), squeeze(printFailureTable()));
});

test('every type has a meaning, a hint, a status that HTTP knows, and is either retried or not', () => {
  for (const [type, row] of Object.entries(FAILURES)) {
    assert.ok(row.meaning.length > 0 && row.hint.length > 0, type);
    assert.ok(row.httpStatus >= 300 && row.httpStatus < 600, type);
    assert.equal(NON_RETRYABLE_TYPES.includes(type as FailureType), !row.retryable, type);
  }
});

test('a failure of another realm is known by its type, and a stranger is not', () => {
  const own = new WaybillError('source_changed', 'it changed', { key: 'a', size: 1 });
  assert.equal(own.message, 'it changed [key=a, size=1]');
  assert.equal(isWaybillError({ name: 'WaybillError', type: 'source_changed', message: 'from elsewhere' }), true);
  assert.equal(isWaybillError({ name: 'WaybillError', type: 'no such type' }), false);
  assert.equal(isWaybillError(new Error('stranger')), false);
});
