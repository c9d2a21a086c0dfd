import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { resolveSecret } from '../../config/resolve-secret.ts';

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'waybill-secret-'));
  process.env['WAYBILL_TEST_SECRET'] = ' kept as it is ';
  process.env['WAYBILL_TEST_EMPTY'] = '';
});
after(async () => {
  delete process.env['WAYBILL_TEST_SECRET'];
  delete process.env['WAYBILL_TEST_EMPTY'];
  await rm(directory, { recursive: true });
});

test('a variable is taken as it is', async () => {
  assert.equal(await resolveSecret('env:WAYBILL_TEST_SECRET'), ' kept as it is ');
});

test('a file loses one newline at its end and nothing else', async () => {
  const path = join(directory, 'secret');
  for (const [content, secret] of [
    ['s3cret', 's3cret'],
    ['s3cret\n', 's3cret'],
    ['s3cret\r\n', 's3cret'],
    [' s3cret \n\n', ' s3cret \n'],
  ] as const) {
    await writeFile(path, content);
    assert.equal(await resolveSecret(`file:${path}`), secret);
  }
});

test('what is absent or empty is refused by the name of its reference', async () => {
  const empty = join(directory, 'empty');
  await writeFile(empty, '\n');
  for (const [ref, message] of [
    ['env:WAYBILL_TEST_UNSET', /"env:WAYBILL_TEST_UNSET" is not set/],
    ['env:WAYBILL_TEST_EMPTY', /"env:WAYBILL_TEST_EMPTY" is empty/],
    ['file:/nowhere/secret', /"file:\/nowhere\/secret" cannot be read \[code=ENOENT\]/],
    [`file:${empty}`, /empty" is empty/],
  ] as const) {
    await assert.rejects(resolveSecret(ref), (error: Error & { type?: string }) => {
      assert.equal(error.type, 'invalid_config');
      assert.match(error.message, message);
      return true;
    });
  }
});

test('a literal secret is refused without being repeated', async () => {
  await assert.rejects(resolveSecret('hunter2hunter2'), (error: Error) => {
    assert.match(error.message, /env:NAME or file:PATH/);
    assert.ok(!error.message.includes('hunter2'));
    return true;
  });
});
