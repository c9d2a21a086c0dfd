/** The curl commands that `waybill sign` prints, run by dash and by bash against a store. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import { SHELLS } from '../support/run-shell.ts';
import { HOSTILE, MIB, runCurl, startSignedCommandGround } from '../support/signed-command-ground.ts';

const ground = await startSignedCommandGround();
const { onStore, readStored, scratch, store, toKey } = ground;
after(() => ground.close());

for (const shell of SHELLS) {
  test(`${shell}: the curl command puts hostile keys, headers and bodies as they are, and gets them back`, async () => {
    const key = `${shell}/../a//${HOSTILE}\n/.`;
    const body = `@${HOSTILE}\n\n  two\r\nlines\t`;
    const header = ['-H', `x-amz-meta-hostile:  ${HOSTILE}  `, '-H', 'Content-Type: text/plain; charset="utf-8"'];
    await runCurl(shell, store.credentials, [toKey(key), ...onStore(), '--data', body, ...header]);
    assert.equal((await readStored(key)).toString(), body);
    const got = await runCurl(shell, store.credentials, [toKey(key), ...onStore()]);
    assert.equal(got.stdout.toString(), body);
    const head = await runCurl(shell, store.credentials, [toKey(key), ...onStore(), '-X', 'HEAD']);
    assert.match(head.stdout.toString('utf8'), /x-amz-meta-hostile: it's "\$HOME" `id`/i);
    assert.match(head.stdout.toString('utf8'), /content-type: text\/plain; charset="utf-8"/i);
  });

  test(`${shell}: the curl command sends a file whose name is hostile, also to a key that ends in a slash`, async () => {
    const name = `-${shell} {a,b} [1-2] it's $(id) "é.bin`;
    const bytes = randomBytes(100_000);
    await writeFile(path.join(scratch, name), bytes);
    for (const key of [`${shell}-file`, `${shell}-folder/`]) {
      const args = [toKey(key), ...onStore(), '--data-file', path.join(scratch, name)];
      await runCurl(shell, store.credentials, args);
      assert.ok((await readStored(key)).equals(bytes));
    }
  });

  test(`${shell}: every step of a multipart upload as curl commands makes the object; an abort leaves nothing`, async () => {
    const key = `${shell}-steps`;
    const url = toKey(key);
    const first = randomBytes(5 * MIB);
    const second = Buffer.from('the end');
    const create = async (): Promise<string> => {
      const { stdout } = await runCurl(shell, store.credentials, [
        url,
        ...onStore(),
        '--operation',
        'CreateMultipartUpload',
      ]);
      return /<UploadId>([^<]+)</.exec(stdout.toString())?.[1] ?? assert.fail(stdout.toString());
    };
    const uploadId = await create();
    for (const [index, bytes] of [first, second].entries()) {
      const file = path.join(scratch, `${shell}-part-${String(index)}`);
      await writeFile(file, bytes);
      const args = ['--upload-id', uploadId, '--part-number', String(index + 1), '--data-file', file];
      await runCurl(shell, store.credentials, [url, ...onStore(), '--operation', 'UploadPart', ...args]);
    }
    const md5 = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex');
    const parts = ['--part', `2="${md5(second)}"`, '--part', `1=${md5(first)}`];
    const complete = ['--operation', 'CompleteMultipartUpload', '--upload-id', uploadId, ...parts];
    await runCurl(shell, store.credentials, [url, ...onStore(), ...complete]);
    assert.ok((await readStored(key)).equals(Buffer.concat([first, second])));

    const aborted = await create();
    await runCurl(shell, store.credentials, [
      url,
      ...onStore(),
      '--operation',
      'AbortMultipartUpload',
      '--upload-id',
      aborted,
    ]);
    const left = await runCurl(shell, store.credentials, [`${store.endpoint}/bucket?uploads`, ...onStore()]);
    assert.doesNotMatch(left.stdout.toString(), /<UploadId>/);
  });
}
