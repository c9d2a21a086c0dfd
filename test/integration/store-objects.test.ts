/** A directory served as S3, asked over raw HTTP: what a well-behaved client may rely on. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { compareUtf8 } from '../../core/utf8-order.ts';
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

test('any key is stored and listed back unchanged, and one is never another', async () => {
  const keys = [
    'a',
    'a/',
    'a/b',
    '/a',
    '//',
    '.',
    '..',
    '../../etc/passwd',
    'A',
    'a\\b',
    'a%2Fb',
    'a+b',
    'a b',
    'é',
    'e\u0301',
    '\u{1f600}',
    '\ufeffa',
    '\u0001',
    'a\nb',
    '<&>"',
    'k'.repeat(1024),
  ];
  await store.store.createBucket('keys');
  for (const key of keys) {
    const put = await send(store, { method: 'PUT', target: `/keys/${encodeURIComponent(key)}`, body: `of ${key}` });
    assert.equal(put.status, 200, `${key}: ${put.text}`);
  }
  const listed: string[] = [];
  let token = '';
  do {
    const page = await send(store, { method: 'GET', target: `/keys?list-type=2&max-keys=4&encoding-type=url${token}` });
    assert.equal(page.status, 200, page.text);
    listed.push(...[...page.text.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => decodeURIComponent(key ?? '')));
    const next = /<NextContinuationToken>([^<]*)</.exec(page.text)?.[1];
    assert.match(page.text, next === undefined ? /<IsTruncated>false</ : /<IsTruncated>true</);
    token = next === undefined ? '' : `&continuation-token=${encodeURIComponent(next)}`;
  } while (token !== '');
  assert.deepEqual(listed, [...keys].sort(compareUtf8));
  for (const key of keys) {
    const got = await send(store, { method: 'GET', target: `/keys/${encodeURIComponent(key)}` });
    assert.equal(got.text, `of ${key}`);
  }
  const plain = await send(store, { method: 'GET', target: '/keys?list-type=2' });
  assert.match(plain.text, /<Key>&#x1;<\/Key>/);
  assert.match(plain.text, /<Key>&lt;&amp;&gt;&quot;<\/Key>/);
  assert.match(plain.text, /<Key>a&#xA;b<\/Key>/);
});

test('a listing groups by delimiter, in both versions, page by page', async () => {
  await store.store.createBucket('grouped');
  for (const key of ['a', 'b/1', 'b/2', 'c', 'd/1/2', 'e'])
    await send(store, { method: 'PUT', target: `/grouped/${key}`, body: key });
  const walk = async (first: string, next: (text: string) => string | undefined): Promise<string[]> => {
    const seen: string[] = [];
    let more: string | undefined = '';
    while (more !== undefined) {
      assert.ok(seen.length < 10, 'the listing goes on');
      const { text, status } = await send(store, {
        method: 'GET',
        target: `/grouped?${first}&delimiter=%2F&max-keys=1${more}`,
      });
      assert.equal(status, 200, text);
      const entries = [...text.matchAll(/<(?:Key|CommonPrefixes><Prefix)>([^<]*)</g)].map(([, name]) => name ?? '');
      assert.equal(entries.length, 1, text);
      seen.push(...entries);
      more = next(text);
    }
    return seen;
  };
  const expected = ['a', 'b/', 'c', 'd/', 'e'];
  const find = (text: string, name: string, parameter: string): string | undefined => {
    const found = new RegExp(`<${name}>([^<]*)<`).exec(text)?.[1];
    return found === undefined ? undefined : `&${parameter}=${encodeURIComponent(found)}`;
  };
  assert.deepEqual(
    await walk('list-type=2', (text) => find(text, 'NextContinuationToken', 'continuation-token')),
    expected,
  );
  assert.deepEqual(await walk('prefix=', (text) => find(text, 'NextMarker', 'marker')), expected);
  const after = await send(store, { method: 'GET', target: '/grouped?list-type=2&start-after=b%2F1' });
  assert.deepEqual(
    [...after.text.matchAll(/<Key>([^<]*)</g)].map(([, key]) => key),
    ['b/2', 'c', 'd/1/2', 'e'],
  );
  const none = await send(store, { method: 'GET', target: '/grouped?list-type=2&max-keys=0' });
  assert.match(none.text, /<KeyCount>0<.*<IsTruncated>false</);
});

test('ranges are served as asked, and one outside the object is 416', async () => {
  const body = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 251));
  await send(store, { method: 'PUT', target: '/bucket/ranged', body });
  const get = (range: string, method = 'GET') =>
    send(store, { method, target: '/bucket/ranged', headers: [['Range', range]] });
  for (const [range, from, to] of [
    ['bytes=0-0', 0, 1],
    ['bytes=10-19', 10, 20],
    ['bytes=99990-', 99_990, 100_000],
    ['bytes=-5', 99_995, 100_000],
    ['bytes=0-999999', 0, 100_000],
  ] as const) {
    const got = await get(range);
    assert.equal(got.status, 206, range);
    assert.equal(got.headers['content-range'], `bytes ${String(from)}-${String(to - 1)}/100000`);
    assert.deepEqual(got.bytes, body.subarray(from, to));
    assert.equal((await get(range, 'HEAD')).headers['content-length'], String(to - from));
  }
  for (const range of ['bytes=5-1', 'bytes=0-1,5-6', 'lines=1-2', 'bytes=-']) {
    assert.deepEqual((await get(range)).bytes, body, range);
  }
  const outside = await get('bytes=100000-');
  assert.deepEqual(
    [outside.status, outside.code, outside.headers['content-range']],
    [416, 'InvalidRange', 'bytes */100000'],
  );
});

test('a range under If-Range is served of that very object only, and all of any other', async () => {
  const put = await send(store, { method: 'PUT', target: '/bucket/resumed', body: 'resumed' });
  const etag = String(put.headers.etag);
  const ask = (method: string, ifRange: string, range = 'bytes=2-3') =>
    send(store, {
      method,
      target: '/bucket/resumed',
      headers: [
        ['Range', range],
        ['If-Range', ifRange],
      ],
    });
  const date = String((await ask('HEAD', etag)).headers['last-modified']);
  for (const same of [etag, date]) {
    const got = await ask('GET', same);
    assert.deepEqual([got.status, got.text, got.headers['content-range']], [206, 'su', 'bytes 2-3/7'], same);
    assert.equal((await ask('HEAD', same)).headers['content-length'], '2');
    assert.equal((await ask('GET', same, 'bytes=7-')).status, 416);
  }
  // A weak ETag proves no bytes, and a date is compared, not ordered: RFC 9110, section 13.1.5.
  for (const other of ['"other"', `W/${etag}`, 'Fri, 01 Jan 2100 00:00:00 GMT', 'yesterday', '*', '']) {
    const got = await ask('GET', other);
    assert.deepEqual([got.status, got.text, got.headers['content-range']], [200, 'resumed', undefined], other);
    assert.equal((await ask('HEAD', other)).headers['content-length'], '7');
    assert.equal((await ask('GET', other, 'bytes=7-')).text, 'resumed');
  }
});

test('conditions are judged in the order of RFC 9110', async () => {
  const put = await send(store, { method: 'PUT', target: '/bucket/conditional', body: 'one' });
  const etag = String(put.headers.etag);
  const get = async (...headers: (readonly [string, string])[]): Promise<number> => {
    const answer = await send(store, { method: 'GET', target: '/bucket/conditional', headers });
    if (answer.status === 304) assert.deepEqual([answer.bytes.length, answer.headers.etag], [0, etag]);
    return answer.status;
  };
  const past = new Date(Date.now() - 3_600_000).toUTCString();
  const future = new Date(Date.now() + 3_600_000).toUTCString();
  assert.equal(await get(['If-Match', etag]), 200);
  assert.equal(await get(['If-Match', '"other"']), 412);
  assert.equal(await get(['If-Match', `"other", ${etag}`]), 200);
  assert.equal(await get(['If-None-Match', etag]), 304);
  assert.equal(await get(['If-None-Match', '*']), 304);
  assert.equal(await get(['If-None-Match', '"other"'], ['If-Modified-Since', future]), 200);
  assert.equal(await get(['If-Modified-Since', future]), 304);
  assert.equal(await get(['If-Modified-Since', past]), 200);
  assert.equal(await get(['If-Unmodified-Since', past]), 412);
  assert.equal(await get(['If-Match', etag], ['If-Unmodified-Since', past]), 200);

  const write = async (...headers: (readonly [string, string])[]): Promise<number> =>
    (await send(store, { method: 'PUT', target: '/bucket/conditional', body: 'two', headers })).status;
  assert.equal(await write(['If-None-Match', '*']), 412);
  assert.equal(await write(['If-Match', '"other"']), 412);
  assert.equal((await send(store, { method: 'GET', target: '/bucket/conditional' })).text, 'one');
  assert.equal(await write(['If-Match', etag]), 200);
});

test('a multipart upload is listed, completed once, and its ETag is that of its parts', async () => {
  const target = '/bucket/large%20one';
  const created = await send(store, {
    method: 'POST',
    target: `${target}?uploads`,
    headers: [
      ['Content-Type', 'a/b'],
      ['x-amz-meta-a', '1'],
    ],
  });
  const uploadId = /<UploadId>([^<]*)</.exec(created.text)?.[1] ?? '';
  assert.notEqual(uploadId, '', created.text);
  const parts = [Buffer.alloc(5 * 1024 * 1024, 'a'), Buffer.from('end')];
  const etags: string[] = [];
  for (const [index, body] of parts.entries()) {
    const sent = await send(store, {
      method: 'PUT',
      target: `${target}?partNumber=${String(index + 1)}&uploadId=${uploadId}`,
      body,
    });
    assert.equal(sent.status, 200, sent.text);
    etags.push(String(sent.headers.etag));
  }
  const open = await send(store, { method: 'GET', target: '/bucket?uploads&prefix=large' });
  assert.match(open.text, new RegExp(`<Key>large one</Key><UploadId>${uploadId}<`));
  const listed = await send(store, { method: 'GET', target: `${target}?uploadId=${uploadId}&max-parts=1` });
  assert.match(listed.text, /<NextPartNumberMarker>1<.*<IsTruncated>true<.*<Size>5242880</);
  const list = (bodies: string): string =>
    `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${bodies}</CompleteMultipartUpload>`;
  const body = list(
    etags
      .map(
        (etag, index) =>
          `<Part><ETag>${etag.replaceAll('"', '&quot;')}</ETag><PartNumber>${String(index + 1)}</PartNumber></Part>`,
      )
      .join(''),
  );
  const wrong = await send(store, {
    method: 'POST',
    target: `${target}?uploadId=${uploadId}`,
    body: list('<Part><PartNumber>1</PartNumber><ETag>"no"</ETag></Part>'),
  });
  assert.deepEqual([wrong.status, wrong.code], [400, 'InvalidPart']);
  const empty = await send(store, { method: 'POST', target: `${target}?uploadId=${uploadId}`, body: list('') });
  assert.deepEqual([empty.status, empty.code], [400, 'MalformedXML']);
  const done = await send(store, {
    method: 'POST',
    target: `${target}?uploadId=${uploadId}`,
    body,
    headers: [['If-None-Match', '*']],
  });
  assert.equal(done.status, 200, done.text);
  const expected = createHash('md5')
    .update(Buffer.concat(parts.map((part) => createHash('md5').update(part).digest())))
    .digest('hex');
  assert.match(done.text, new RegExp(`<ETag>&quot;${expected}-2&quot;<`));
  const got = await send(store, { method: 'GET', target });
  assert.deepEqual(
    [got.bytes.equals(Buffer.concat(parts)), got.headers['content-type'], got.headers['x-amz-meta-a']],
    [true, 'a/b', '1'],
  );
  const aborted = await send(store, { method: 'DELETE', target: `${target}?uploadId=absent` });
  assert.deepEqual([aborted.status, aborted.code], [404, 'NoSuchUpload']);
});

test('tags are put, read and removed; DeleteObjects names what it deleted', async () => {
  await send(store, { method: 'PUT', target: '/bucket/tagged', body: 'x' });
  const set = '<Tagging><TagSet><Tag><Key>a/b: c</Key><Value>1</Value></Tag></TagSet></Tagging>';
  assert.equal((await send(store, { method: 'PUT', target: '/bucket/tagged?tagging', body: set })).status, 200);
  assert.match(
    (await send(store, { method: 'GET', target: '/bucket/tagged?tagging' })).text,
    /<Key>a\/b: c<\/Key><Value>1</,
  );
  assert.equal((await send(store, { method: 'DELETE', target: '/bucket/tagged?tagging' })).status, 204);
  assert.match((await send(store, { method: 'GET', target: '/bucket/tagged?tagging' })).text, /<TagSet><\/TagSet>/);
  const doomed =
    '<Delete><Object><Key>tagged</Key></Object><Object><Key>absent</Key></Object><Object><Key>x</Key><VersionId>9</VersionId></Object></Delete>';
  const { text } = await send(store, {
    method: 'POST',
    target: '/bucket?delete',
    body: doomed,
    headers: [['Content-MD5', createHash('md5').update(doomed).digest('base64')]],
  });
  assert.match(
    text,
    /<Deleted><Key>tagged<.*<Deleted><Key>absent<.*<Error><Key>x<\/Key><VersionId>9<\/VersionId><Code>NoSuchVersion</,
  );
  assert.equal((await send(store, { method: 'HEAD', target: '/bucket/tagged' })).status, 404);
});

test('a bucket that is there is created again in us-east-1 only, as S3 has it, and keeps what it holds', async () => {
  const elsewhere = await startStore({ region: 'eu-central-1' });
  try {
    for (const [at, status, code] of [
      [store, 200, ''],
      [elsewhere, 409, 'BucketAlreadyOwnedByYou'],
    ] as const) {
      const created = await send(at, { method: 'PUT', target: '/again' });
      assert.equal(created.status, 200);
      assert.equal((await send(at, { method: 'PUT', target: '/again/kept', body: 'kept' })).status, 200);
      const repeated = await send(at, { method: 'PUT', target: '/again' });
      assert.deepEqual([repeated.status, repeated.code], [status, code]);
      if (status === 200) assert.equal(repeated.headers.location, created.headers.location);
      assert.equal((await send(at, { method: 'GET', target: '/again/kept' })).text, 'kept');
      assert.equal((await send(at, { method: 'GET', target: '/' })).text.match(/<Name>again</g)?.length, 1);
    }
  } finally {
    await elsewhere.close();
  }
});

test('buckets are created, found, listed and deleted when they are empty', async () => {
  assert.equal((await send(store, { method: 'PUT', target: '/made' })).status, 200);
  assert.equal((await send(store, { method: 'PUT', target: '/No_Such_Name' })).code, 'InvalidBucketName');
  assert.equal((await send(store, { method: 'HEAD', target: '/made' })).headers['x-amz-bucket-region'], 'us-east-1');
  assert.match(
    (await send(store, { method: 'GET', target: '/made?location' })).text,
    /<LocationConstraint xmlns="[^"]*"><\/LocationConstraint>/,
  );
  assert.match((await send(store, { method: 'GET', target: '/' })).text, /<Name>made<\/Name>/);
  await send(store, { method: 'PUT', target: '/made/x', body: '' });
  assert.equal((await send(store, { method: 'DELETE', target: '/made' })).code, 'BucketNotEmpty');
  await send(store, { method: 'DELETE', target: '/made/x' });
  assert.equal((await send(store, { method: 'DELETE', target: '/made' })).status, 204);
  assert.equal((await send(store, { method: 'HEAD', target: '/made' })).status, 404);
});

test('a presigned GET needs nothing but its URL, and response- parameters change its headers', async () => {
  await send(store, { method: 'PUT', target: '/bucket/shared', body: 'shared' });
  const got = await send(store, {
    method: 'GET',
    target: '/bucket/shared?response-content-type=text%2Fcsv',
    presignSeconds: 60,
  });
  assert.deepEqual([got.status, got.text, got.headers['content-type']], [200, 'shared', 'text/csv']);
});

test('every request is counted once, with the object bytes that moved', async () => {
  store.resetCounts();
  await send(store, { method: 'PUT', target: '/bucket/counted', body: '12345' });
  await send(store, { method: 'PUT', target: '/bucket/counted', body: '12345', sendBody: '54321' });
  await send(store, { method: 'GET', target: '/bucket/counted' });
  await send(store, { method: 'GET', target: '/bucket/counted', headers: [['Range', 'bytes=0-1']] });
  await send(store, { method: 'HEAD', target: '/bucket/counted' });
  await send(store, { method: 'GET', target: '/bucket/absent' });
  const counts = store.adminCounts();
  assert.deepEqual(
    [counts.requests('PutObject'), counts.requests('GetObject'), counts.requests('HeadObject'), counts.records.length],
    [2, 3, 1, 6],
  );
  assert.deepEqual([counts.objectBytesIn, counts.objectBytesOut], [5, 7]);
  assert.deepEqual(
    counts.records.map(({ status }) => status),
    [200, 400, 200, 206, 200, 404],
  );
});

test('a listing that asks for metadata too, as clients of MinIO do, is a listing', async () => {
  await send(store, { method: 'PUT', target: '/bucket/with-metadata', body: 'x', headers: [['x-amz-meta-a', 'b']] });
  const target = '/bucket?list-type=2&prefix=with-metadata';
  const asked = await send(store, { method: 'GET', target: `${target}&metadata=true` });
  assert.equal(asked.status, 200, asked.text);
  assert.equal(asked.text, (await send(store, { method: 'GET', target })).text);
});
