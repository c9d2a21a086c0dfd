/** What a store, or what stands before it, can answer instead of what was asked, against the S3 client. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import type { FailureType } from '../../core/failures.ts';
import { catchFailure } from '../support/catch-failure.ts';
import { createScriptedStore } from '../support/create-scripted-store.ts';
import { printAnswer, printError } from '../support/start-scripted-server.ts';

const OBJECT = { bucket: 'bucket', key: 'key' };
const UPLOAD = { ...OBJECT, uploadId: 'upload-1' };
const PARTS = [{ partNumber: 1, etag: 'abc' }];
const PAGE = `<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult><Name>bucket</Name><IsTruncated>false</IsTruncated></ListBucketResult>`;

test('a store that refuses connections is store_unreachable, and counts no request', async (context) => {
  const probe = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port } = probe.address() as net.AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  const { store, traffic } = await createScriptedStore(context, () => undefined, {
    endpoint: `http://127.0.0.1:${String(port)}`,
  });
  const failure = await catchFailure('store_unreachable', store.head(OBJECT));
  assert.equal(failure.details['store'], 'scripted');
  assert.equal(failure.details['code'], 'ECONNREFUSED');
  await catchFailure('store_unreachable', store.createBucket('bucket'));
  assert.deepEqual(traffic, []);
});

test('TLS towards a port that does not speak it is store_unreachable', async (context) => {
  const { server } = await createScriptedStore(context, () => undefined);
  const plain = net.createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(0, '127.0.0.1');
  await new Promise((resolve) => plain.once('listening', resolve));
  context.after(() => plain.close());
  const { port } = plain.address() as net.AddressInfo;
  const { store, traffic } = await createScriptedStore(context, () => undefined, {
    endpoint: `https://127.0.0.1:${String(port)}`,
  });
  await catchFailure('store_unreachable', store.head(OBJECT));
  assert.deepEqual(traffic, []);
  assert.equal(server.requests.length, 0);
});

test('a connection that ends or is reset before the answer is store_unreachable, and counts', async (context) => {
  const { store, traffic } = await createScriptedStore(context, ({ target }, socket) => {
    if (target.endsWith('reset')) socket.resetAndDestroy();
    else socket.end();
  });
  await catchFailure('store_unreachable', store.head({ bucket: 'bucket', key: 'reset' }));
  await catchFailure('store_unreachable', store.list({ bucket: 'bucket' }));
  assert.deepEqual(traffic, [
    ['HeadObject', 0, 0],
    ['ListObjectsV2', 0, 0],
  ]);
});

test('a store that does not answer is store_timeout at the limit, by either client', async (context) => {
  // On a busy machine the connection alone may take longer than the shortest, and what was never sent does not count.
  for (const requestLimitMs of [150, 1_500, 15_000]) {
    const { store, traffic } = await createScriptedStore(context, () => undefined, { requestLimitMs });
    await catchFailure(
      'store_timeout',
      store.put({ ...OBJECT, headers: { metadata: {} } }, { sizeBytes: 1, content: Buffer.from('x') }),
    );
    if (traffic.length === 0) continue;
    assert.deepEqual(traffic, [['PutObject', 0, 0]]);
    await catchFailure('store_timeout', store.listBuckets());
    return;
  }
  assert.fail('no request was sent in time');
});

test('what is not HTTP is store_error', async (context) => {
  const { store } = await createScriptedStore(context, (_, socket) => socket.write('220 ftp.example ready\r\n\r\n'));
  await catchFailure('store_error', store.head(OBJECT));
});

test('a page of a listing that is cut, garbled or leads nowhere is listing_incomplete', async (context) => {
  const pages: Record<string, Buffer> = {
    cut: printAnswer(200, {}, PAGE.slice(0, -5)),
    cutByTheNetwork: printAnswer(200, { 'content-length': String(PAGE.length + 50) }, PAGE.slice(0, 60)),
    empty: printAnswer(200, {}),
    html: printAnswer(200, {}, '<html><body><br>Please log in</body>'),
    notUtf8: printAnswer(
      200,
      {},
      Buffer.concat([Buffer.from(PAGE.slice(0, 90)), Buffer.from([0xff]), Buffer.from(PAGE.slice(90))]),
    ),
    noToken: printAnswer(200, {}, PAGE.replace('false', 'true')),
  };
  const { store } = await createScriptedStore(context, ({ target }, socket) => {
    socket.end(pages[new URL(target, 'http://store').searchParams.get('prefix')!]!);
  });
  for (const prefix of Object.keys(pages)) {
    await catchFailure('listing_incomplete', store.list({ bucket: 'bucket', prefix }));
  }
});

test('a whole page that lacks what a listing needs is refused, and never read as empty', async (context) => {
  const pages: Record<string, string> = {
    noEnd: PAGE.replace('<IsTruncated>false</IsTruncated>', ''),
    otherRoot: '<ListAllMyBucketsResult></ListAllMyBucketsResult>',
    noSize: PAGE.replace('<IsTruncated>', '<Contents><Key>a</Key></Contents><IsTruncated>'),
    doctype: '<!DOCTYPE x [<!ENTITY e "x">]><ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>',
  };
  const { store } = await createScriptedStore(context, ({ target }, socket) => {
    socket.write(printAnswer(200, {}, pages[new URL(target, 'http://store').searchParams.get('prefix')!]));
  });
  for (const prefix of Object.keys(pages)) {
    const type: FailureType = prefix === 'doctype' ? 'listing_incomplete' : 'store_refused';
    await catchFailure(type, store.list({ bucket: 'bucket', prefix }));
  }
});

test('an upload is begun by what S3 answers, and by what gofakes3 does, as rclone serves it; nothing else has its id', async (context) => {
  const answers = [
    '<InitiateMultipartUploadResult><UploadId>upload-1</UploadId></InitiateMultipartUploadResult>',
    '<InitiateMultipartUpload>\n  <UploadId>upload-1</UploadId>\n</InitiateMultipartUpload>',
    '<ListPartsResult><UploadId>upload-1</UploadId></ListPartsResult>',
    '<InitiateMultipartUpload><UploadId>upload-1</UploadId>',
    '<InitiateMultipartUpload></InitiateMultipartUpload>',
  ];
  const { store } = await createScriptedStore(context, (_, socket) =>
    socket.write(printAnswer(200, {}, answers.shift() ?? '')),
  );
  const begin = (): Promise<{ uploadId: string }> => store.createUpload({ ...OBJECT, headers: { metadata: {} } });
  for (let known = 0; known < 2; known++) assert.deepEqual(await begin(), { uploadId: 'upload-1' });
  for (let others = 0; others < 3; others++) await catchFailure('store_error', begin());
});

test('completing an upload fails when the error comes with status 200, after white space', async (context) => {
  const body = '\n   \n<?xml version="1.0"?><Error><Code>InternalError</Code><Message>try again</Message></Error>';
  const answers: [string, FailureType][] = [
    [body.trimStart(), 'store_error'],
    [body.trimStart().replace('InternalError', 'NoSuchUpload'), 'no_such_upload'],
    [body.trimStart().replace('InternalError', 'PreconditionFailed'), 'precondition_failed'],
    ['', 'store_error'],
    ['<CompleteMultipartUploadResult><ETag>"abc-1"</ETag>', 'store_error'],
    [body, 'store_error'],
  ];
  const { store } = await createScriptedStore(context, (_, socket) =>
    socket.write(printAnswer(200, {}, answers[0]![0])),
  );
  for (const [, type] of [...answers]) {
    await catchFailure(type, store.completeUpload(UPLOAD, PARTS));
    answers.shift();
  }
});

test('completing an upload reads its result behind the white space that S3 sends while it works', async (context) => {
  const result = '<CompleteMultipartUploadResult><ETag>&quot;abc-1&quot;</ETag></CompleteMultipartUploadResult>';
  const { store, server } = await createScriptedStore(context, (_, socket) =>
    socket.write(printAnswer(200, { 'x-amz-version-id': 'v1' }, `<?xml version="1.0"?>\n  \n\n${result}`)),
  );
  assert.deepEqual(await store.completeUpload({ ...UPLOAD, ifNoneMatch: '*' }, PARTS), {
    etag: 'abc-1',
    versionId: 'v1',
  });
  assert.equal(server.requests[0]?.headers['if-none-match'], '*');
  assert.match(server.requests[0].body.toString(), /<PartNumber>1<\/PartNumber><ETag>&quot;abc&quot;<\/ETag>/);
});

test('a listing of uploads or parts whose marker does not move on ends as listing_incomplete', async (context) => {
  const { store, server } = await createScriptedStore(context, ({ target }, socket) => {
    const text = target.includes('uploads=')
      ? '<ListMultipartUploadsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker></ListMultipartUploadsResult>'
      : '<ListPartsResult><IsTruncated>true</IsTruncated><NextPartNumberMarker>1</NextPartNumberMarker></ListPartsResult>';
    socket.write(printAnswer(200, {}, text));
  });
  await catchFailure('listing_incomplete', store.listUploads({ bucket: 'bucket', prefix: '' }));
  await catchFailure('listing_incomplete', store.listParts(UPLOAD));
  assert.equal(server.requests.length, 4);
});

test('a redirect is not followed, and says where the bucket is', async (context) => {
  const { store, server } = await createScriptedStore(context, ({ target }, socket) =>
    socket.write(
      printAnswer(target.endsWith('temporary') ? 307 : 301, {
        location: '/elsewhere',
        'x-amz-bucket-region': 'eu-central-1',
      }),
    ),
  );
  for (const key of ['permanent', 'temporary']) {
    const failure = await catchFailure('store_refused', store.head({ bucket: 'bucket', key }));
    assert.equal(failure.details['bucketRegion'], 'eu-central-1');
    assert.match(failure.message, /eu-central-1/);
  }
  assert.equal(server.requests.length, 2);
});

test('a store that asks to slow down says for how long', async (context) => {
  const { store } = await createScriptedStore(context, ({ target }, socket) =>
    socket.write(
      target.endsWith('429')
        ? printAnswer(429, { 'retry-after': '2' })
        : printError(503, 'SlowDown', { 'retry-after': '7' }),
    ),
  );
  const slow = await catchFailure('store_slow_down', store.get(OBJECT));
  assert.equal(slow.retryAfterMs, 7000);
  assert.deepEqual(slow.details, {
    s3Code: 'SlowDown',
    status: 503,
    operation: 'GetObject',
    bucket: 'bucket',
    key: 'key',
    requestId: 'REQUEST1',
  });
  const many = await catchFailure('store_slow_down', store.get({ bucket: 'bucket', key: '429' }));
  assert.equal(many.retryAfterMs, 2000);
});

test('an answer to HEAD, which has no body, is told by its status and by what was asked', async (context) => {
  const { store } = await createScriptedStore(context, ({ target }, socket) => {
    const status = Number(/\d+/.exec(target)?.[0]);
    socket.write(`HTTP/1.1 ${String(status)} Status\r\ncontent-length: 243\r\n\r\n`);
  });
  const expected: Record<number, FailureType> = {
    304: 'not_modified',
    400: 'store_refused',
    401: 'bad_credentials',
    403: 'access_denied',
    404: 'no_such_key',
    405: 'store_refused',
    412: 'precondition_failed',
    416: 'range_unsatisfiable',
    429: 'store_slow_down',
    500: 'store_error',
    501: 'not_implemented',
    503: 'store_slow_down',
    504: 'store_error',
  };
  for (const [status, type] of Object.entries(expected)) {
    await catchFailure(type, store.head({ bucket: 'bucket', key: status }));
  }
  await catchFailure('no_such_bucket', store.headBucket('bucket-404'));
});

test('a store that ignores If-Match on a read and sends another version is held to it', async (context) => {
  const date = { 'last-modified': 'Wed, 01 Jul 2026 00:00:00 GMT' };
  const etags: Record<string, string> = { same: '"abc"', weak: 'W/"abc"', bare: 'abc', other: '"abd"', empty: '""' };
  const { store } = await createScriptedStore(context, ({ method, target }, socket) => {
    const etag = etags[target.slice(target.lastIndexOf('/') + 1)] ?? '';
    const answer = printAnswer(200, { ...date, etag }, 'bytes');
    socket.write(method === 'HEAD' ? answer.subarray(0, answer.indexOf('\r\n\r\n') + 4) : answer);
  });
  for (const key of Object.keys(etags)) {
    const request = { bucket: 'bucket', key, ifMatch: 'abc' };
    for (const read of [() => store.head(request), () => store.get(request)]) {
      if (key === 'other' || key === 'empty') await catchFailure('precondition_failed', read());
      else await read();
    }
    await store.get({ bucket: 'bucket', key, ifMatch: '*' });
    await store.get({ bucket: 'bucket', key });
  }
});

test('a HEAD leaves its connection open for the next request', async (context) => {
  const sockets = new Set<net.Socket>();
  const { store } = await createScriptedStore(
    context,
    (_, socket) => {
      sockets.add(socket);
      socket.write(printAnswer(200, {}));
    },
    { connectionsMax: 1 },
  );
  for (let count = 0; count < 5; count++) await store.head(OBJECT);
  assert.equal(sockets.size, 1);
});

test('what the control plane is refused with is in the same table, and is counted', async (context) => {
  const { store, traffic } = await createScriptedStore(context, ({ method }, socket) =>
    socket.write(
      method === 'PUT'
        ? printError(409, 'BucketAlreadyOwnedByYou')
        : printError(503, 'SlowDown', { 'retry-after': '3' }),
    ),
  );
  const owned = await catchFailure('store_refused', store.createBucket('bucket'));
  assert.equal(owned.details['s3Code'], 'BucketAlreadyOwnedByYou');
  const slow = await catchFailure('store_slow_down', store.deleteBucket('bucket'));
  assert.equal(slow.retryAfterMs, 3000);
  assert.deepEqual(
    traffic.map(([operation]) => operation),
    ['CreateBucket', 'DeleteBucket'],
    'one attempt each',
  );
});
