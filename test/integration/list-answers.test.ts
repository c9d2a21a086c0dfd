/** Answers of listings share memory that comes back: no page may hold a byte of another's, however they come. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { test } from 'node:test';
import { createS3Store } from '../../stores/s3/s3-store.ts';

/** Objects of the pages: the answers have 5 KB to 1.8 MB, and with what is lent at once being 512 KiB some outgrow it. */
const SIZES = [20, 300, 1500, 2500, 6000];
const PIECE_BYTES = 70_001;

const keyOf = (page: number, at: number): string => `page-${String(page)}/${String(at).padStart(6, '0')}`;

function printPage(page: number): string {
  const objects = Array.from(
    { length: SIZES[page % SIZES.length] ?? 0 },
    (_, at) =>
      `<Contents><Key>${keyOf(page, at)}</Key><LastModified>2026-03-04T05:06:07.000Z</LastModified>` +
      `<ETag>&quot;${String(page).padStart(32, '0')}&quot;</ETag><Size>${String(page * 1000 + at)}</Size>` +
      '<StorageClass>STANDARD</StorageClass></Contents>',
  );
  return (
    '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
    `<Name>b</Name><IsTruncated>false</IsTruncated><EncodingType>url</EncodingType>${objects.join('')}</ListBucketResult>`
  );
}

test('pages that come at once, whole, in chunks and cut off, hold what their own answers said', async (context) => {
  const server = createServer((request, response) => {
    const page = Number(new URL(request.url ?? '/', 'http://x').searchParams.get('prefix'));
    const body = Buffer.from(printPage(page));
    void (async () => {
      if (page % 3 !== 0) response.setHeader('content-length', body.length);
      const end = page % 7 === 6 ? body.length - 1000 : body.length;
      for (let at = 0; at < end; at += PIECE_BYTES) {
        response.write(body.subarray(at, Math.min(end, at + PIECE_BYTES)));
        await setImmediate();
      }
      if (end < body.length) response.destroy();
      else response.end();
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const store = createS3Store({
    name: 'source',
    endpoint: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    region: 'us-east-1',
    addressing: 'path',
    credentials: () => ({ accessKeyId: 'AKIDTEST', secretAccessKey: 'secret' }),
    requestLimitMs: 60_000,
    connectionsMax: 12,
    etags: 'md5',
  });
  context.after(async () => {
    await store.close();
    server.close();
  });

  const listed = await Promise.allSettled(
    Array.from({ length: 70 }, (_, page) => store.list({ bucket: 'b', prefix: String(page) })),
  );
  for (const [page, result] of listed.entries()) {
    if (page % 7 === 6) {
      assert.equal(result.status, 'rejected');
      assert.equal((result.reason as { type?: unknown }).type, 'listing_incomplete');
      continue;
    }
    assert.ok(result.status === 'fulfilled', `page ${String(page)}`);
    const { objects } = result.value;
    assert.equal(objects.length, SIZES[page % SIZES.length]);
    const isOwn = objects.every(
      ({ key, etag, sizeBytes }, at) =>
        key === keyOf(page, at) && etag === String(page).padStart(32, '0') && sizeBytes === page * 1000 + at,
    );
    assert.ok(isOwn, `page ${String(page)} holds what another's answer said`);
  }
});
