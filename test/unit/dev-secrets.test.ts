import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadSecrets } from '../../dev/secrets.ts';

test("the development stack's secrets are their owner's alone, also when their file was not", async () => {
  const scratch = await mkdtemp(join(tmpdir(), 'waybill-secrets-'));
  const file = join(scratch, 'secrets.json');
  const readMode = async (): Promise<number> => (await stat(file)).mode & 0o777;
  try {
    const made = await loadSecrets(file);
    assert.equal(await readMode(), 0o600);
    await chmod(file, 0o644);
    assert.deepEqual(await loadSecrets(file), made);
    assert.equal(await readMode(), 0o600);

    // As a version without sessions left it.
    const { sessionSecret: _later, ...before } = made;
    await writeFile(file, JSON.stringify(before), { mode: 0o644 });
    const completed = await loadSecrets(file);
    assert.ok(completed.sessionSecret.length >= 32);
    assert.deepEqual({ ...completed, sessionSecret: made.sessionSecret }, made, 'everything else stays');
    assert.deepEqual(await loadSecrets(file), completed);
    assert.equal(await readMode(), 0o600);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
});
