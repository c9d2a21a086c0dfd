/** A directory served as S3, asked over raw HTTP: what a well-behaved client may rely on. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { send } from '../support/signed-request.ts';
import { startStore, type StartedStore } from '../support/start-store.ts';

let store: StartedStore;
before(async () => {
  store = await startStore({ buckets: ['bucket'] });
});
after(() => store.close());

const md5 = (body: string | Uint8Array): string => createHash('md5').update(body).digest('hex');

test('what was put is got back with its headers, metadata and ETag', async () => {
  const put = await send(store, {
    method: 'PUT',
    target: '/bucket/dir/a%20b%2Bc.txt',
    body: 'hello',
    headers: [
      ['Content-Type', 'text/plain; charset=utf-8'],
      ['Cache-Control', 'no-store'],
      ['Content-Encoding', 'aws-chunked,gzip'],
      ['x-amz-meta-Who', 'käthe'.normalize()].map((value) => Buffer.from(value).toString('latin1')) as [string, string],
      ['x-amz-tagging', 'a=1&b=two%20words'],
    ],
  });
  assert.equal(put.status, 200, put.text);
  assert.equal(put.headers.etag, `"${md5('hello')}"`);
  const got = await send(store, { method: 'GET', target: '/bucket/dir/a%20b%2Bc.txt' });
  assert.equal(got.status, 200);
  assert.equal(got.text, 'hello');
  assert.equal(got.headers.etag, `"${md5('hello')}"`);
  assert.equal(got.headers['content-type'], 'text/plain; charset=utf-8');
  assert.equal(got.headers['cache-control'], 'no-store');
  assert.equal(got.headers['content-encoding'], 'gzip');
  assert.equal(Buffer.from(String(got.headers['x-amz-meta-who']), 'latin1').toString(), 'käthe');
  assert.equal(got.headers['x-amz-tagging-count'], '2');
  assert.equal(got.headers['server'], 'waybill');
  assert.match(String(got.headers['x-amz-request-id']), /^[0-9A-F]{16}$/);
  const head = await send(store, { method: 'HEAD', target: '/bucket/dir/a%20b%2Bc.txt' });
  assert.equal(head.status, 200);
  assert.equal(head.headers['content-length'], '5');
  assert.equal(head.bytes.length, 0);
});
