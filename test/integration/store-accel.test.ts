/**
 * X-Accel-Redirect: what the listener answers, and what a client gets through a real nginx with the configuration of examples/. With
 * no nginx to be had, the first half is what remains, and a line says so.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { findFreePorts } from '../../dev/free-port.ts';
import { COPIED_HEADERS, createAccel } from '../../gateway/directory/accel.ts';
import { createFilesystemStore, type FilesystemStore } from '../../stores/filesystem/create-filesystem-store.ts';
import type { LocatedFile } from '../../stores/filesystem/locate-file.ts';
import { createCertificate } from '../support/create-certificate.ts';
import { findNginx } from '../support/find-nginx.ts';
import { send, sign, type Answer, type RequestPlan } from '../support/signed-request.ts';
import { startNginx, type StartedNginx } from '../support/start-nginx.ts';
import { startStore, type StartedStore } from '../support/start-store.ts';

const EXAMPLE = join(import.meta.dirname, '../../examples/nginx-x-accel.conf');
const BIG = randomBytes(100_000);
const SMALL = randomBytes(1000);
const PART = 5 * 1024 * 1024;
const HEADERS = {
  contentType: 'text/plain; charset=UTF-8',
  cacheControl: 'max-age=5',
  contentDisposition: 'attachment; filename="ü.txt"',
  contentEncoding: 'identity',
  contentLanguage: 'de',
  expires: 'Thu, 01 Dec 2094 16:00:00 GMT',
};
/** As it goes over the wire, one character a byte. */
const HEADERS_SENT = {
  'content-type': HEADERS.contentType,
  'cache-control': HEADERS.cacheControl,
  'content-disposition': Buffer.from(HEADERS.contentDisposition).toString('latin1'),
  'content-encoding': HEADERS.contentEncoding,
  'content-language': HEADERS.contentLanguage,
  expires: HEADERS.expires,
};
const THROUGH_NGINX = [['X-Sendfile-Type', 'X-Accel-Redirect']] as const;

// Before any test is known: the runner ends when those that it knows have ended.
const nginxes = await findNginx((line) => console.log(line));

let root: string;
let files: FilesystemStore;
let store: StartedStore;
/** Set by a test: what was located before somebody replaced the object. */
let stale: LocatedFile | null = null;

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'waybill-accel-'));
  files = await createFilesystemStore({ root: join(root, 'store'), fsync: false });
  const accel = createAccel(
    { prefix: '/.waybill/', metadata: ['md5', 'mtime'] },
    (request) => stale ?? files.locateFile(request),
  );
  store = await startStore({ store: files, buckets: ['bucket'], accel });
  await put('big', BIG, { md5: 'of it' });
  await put('small', SMALL, {});
  await put('named otherwise', BIG, { md5: 'of it', colour: 'blue' });
  const { uploadId } = await files.createUpload({ bucket: 'bucket', key: 'parts', headers: { metadata: {} } });
  const upload = { bucket: 'bucket', key: 'parts', uploadId };
  const parts = [];
  for (const [index, content] of [Buffer.alloc(PART, 1), Buffer.from('end')].entries()) {
    const partNumber = index + 1;
    const { etag } = await files.uploadPart(upload, partNumber, { sizeBytes: content.length, content });
    parts.push({ partNumber, etag });
  }
  await files.completeUpload(upload, parts);
});
after(async () => {
  await store.close();
  await files.close();
  await rm(root, { recursive: true, force: true });
});

async function put(key: string, content: Buffer, metadata: Record<string, string>): Promise<void> {
  const request = { bucket: 'bucket', key, headers: { ...HEADERS, metadata }, tags: { a: 'b' } };
  await files.put(request, { sizeBytes: content.length, content });
}

const md5 = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex');
const pick = (answer: Answer, names: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(names.map((name) => [name, answer.headers[name]]));

describe('the answer to an nginx', () => {
  const get = (target: string, ...more: (readonly [string, string])[]): Promise<Answer> =>
    send(store, { method: 'GET', target, headers: [...THROUGH_NGINX, ...more] });
  const isHandedOver = (answer: Answer): boolean => answer.headers['x-accel-redirect'] !== undefined;

  test('names the file under data/ and has every header and no body', async () => {
    const answer = await get('/bucket/big');
    assert.deepEqual([answer.status, answer.bytes.length, answer.headers['content-length']], [200, 0, '0']);
    const path = /^\/\.waybill\/([0-9a-f]{2}\/[0-9a-f]{22})$/.exec(String(answer.headers['x-accel-redirect']))?.[1];
    assert.deepEqual(await readFile(join(root, 'store/data', path ?? '')), BIG);
    assert.deepEqual(pick(answer, Object.keys(HEADERS_SENT)), HEADERS_SENT);
    assert.equal(answer.headers.etag, `"${md5(BIG)}"`);
    assert.equal(answer.headers['x-amz-meta-md5'], 'of it');
    assert.equal(answer.headers['x-amz-tagging-count'], '1');
    const head = await send(store, { method: 'HEAD', target: '/bucket/big', headers: THROUGH_NGINX });
    assert.equal(head.headers['last-modified'], answer.headers['last-modified']);
    assert.deepEqual([isHandedOver(head), head.headers['content-length']], [false, '100000']);
  });

  test('who comes past nginx gets the bytes', async () => {
    const answer = await send(store, { method: 'GET', target: '/bucket/big' });
    assert.deepEqual([isHandedOver(answer), answer.bytes], [false, BIG]);
  });

  test('a store that is not configured for it sends the bytes, whatever the request says', async () => {
    const other = await startStore({ buckets: ['bucket'] });
    try {
      await other.store.put(
        { bucket: 'bucket', key: 'big', headers: { metadata: {} } },
        { sizeBytes: BIG.length, content: BIG },
      );
      const answer = await send(other, { method: 'GET', target: '/bucket/big', headers: THROUGH_NGINX });
      assert.deepEqual([isHandedOver(answer), answer.bytes], [false, BIG]);
    } finally {
      await other.close();
    }
  });

  test('what is not one file, and metadata that nginx would lose, is sent directly', async () => {
    const small = await get('/bucket/small');
    assert.deepEqual([isHandedOver(small), small.bytes], [false, SMALL]);
    const parts = await get('/bucket/parts');
    assert.deepEqual([isHandedOver(parts), parts.bytes.length], [false, PART + 3]);
    const other = await get('/bucket/named%20otherwise');
    assert.deepEqual([isHandedOver(other), other.headers['x-amz-meta-colour']], [false, 'blue']);
  });

  test('a range is handed over only where nginx reads it as S3 does', async () => {
    for (const range of ['bytes=0-9', 'bytes=99999-', 'bytes=-7', 'bytes=5-200000']) {
      assert.ok(isHandedOver(await get('/bucket/big', ['Range', range])), range);
    }
    for (const range of ['bytes=0-1,5-6', 'bytes=9-3', 'lines=0-9', 'bytes=x-']) {
      const answer = await get('/bucket/big', ['Range', range]);
      assert.deepEqual([isHandedOver(answer), answer.status, answer.bytes.length], [false, 200, 100_000], range);
    }
    const answer = await get('/bucket/big', ['Range', 'bytes=100000-']);
    assert.deepEqual([isHandedOver(answer), answer.status, answer.code], [false, 416, 'InvalidRange']);
  });

  test('conditions are judged here, and what passes them is sent directly', async () => {
    const etag = `"${md5(BIG)}"`;
    const longAgo = 'Sat, 01 Jan 2000 00:00:00 GMT';
    const answers = await Promise.all([
      get('/bucket/big', ['If-Match', etag]),
      get('/bucket/big', ['If-Match', '"other"']),
      get('/bucket/big', ['If-None-Match', etag]),
      get('/bucket/big', ['If-Modified-Since', longAgo]),
      get('/bucket/big', ['If-Unmodified-Since', longAgo]),
    ]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 412, 304, 200, 412],
    );
    assert.ok(!answers.some(isHandedOver));
    assert.deepEqual(answers[0].bytes, BIG);
  });

  test('a wrong signature, a key that is not there and a bucket that is not there are refused as ever', async () => {
    const credentials = { ...store.credentials, secretAccessKey: 'wrong' };
    const forged = await send(store, { method: 'GET', target: '/bucket/big', headers: THROUGH_NGINX, credentials });
    assert.deepEqual([forged.status, forged.code, isHandedOver(forged)], [403, 'SignatureDoesNotMatch', false]);
    assert.equal((await get('/bucket/absent')).code, 'NoSuchKey');
    assert.equal((await get('/absent/big')).code, 'NoSuchBucket');
  });

  test('the example copies each header that may be handed over', async () => {
    const text = await readFile(EXAMPLE, 'utf8');
    const kept = ['content-type', 'cache-control', 'content-disposition', 'expires', 'accept-ranges'];
    const added = [...text.matchAll(/^\s*add_header (\S+) (\S+);$/gm)].map(([, name = '', value = '']) => {
      assert.equal(value, `$upstream_http_${name.toLowerCase().replaceAll('-', '_')}`);
      return name.toLowerCase();
    });
    const wanted = [...COPIED_HEADERS].filter((name) => !kept.includes(name));
    const rest = added.filter((name) => !wanted.includes(name)).sort();
    assert.deepEqual(
      wanted.filter((name) => !added.includes(name)),
      [],
    );
    assert.deepEqual(rest, ['x-amz-meta-md5', 'x-amz-meta-mtime', 'x-amz-request-id']);
  });
});

for (const { file, version } of nginxes) {
  describe(`through nginx ${version} with the example's configuration`, () => {
    let directory: string;
    let nginx: StartedNginx;
    /** The store as nginx's clients see it. */
    let front: StartedStore;
    let ca: Buffer;

    before(async () => {
      directory = await mkdtemp(join(tmpdir(), 'waybill-nginx-'));
      const certificate = createCertificate(directory);
      assert.ok(certificate !== null, 'openssl makes the certificate');
      ca = await readFile(certificate.caFile);
      const [port = 0] = await findFreePorts(1);
      let http = await readFile(EXAMPLE, 'utf8');
      for (const [from, to] of [
        ['server 127.0.0.1:9000;', `server 127.0.0.1:${String(store.port)};`],
        ['listen 443 ssl;', `listen 127.0.0.1:${String(port)} ssl;`],
        ['ssl_certificate /etc/ssl/certs/s3.example.com.pem;', `ssl_certificate ${certificate.certFile};`],
        ['ssl_certificate_key /etc/ssl/private/s3.example.com.key;', `ssl_certificate_key ${certificate.keyFile};`],
        ['alias /srv/waybill/data/;', `alias ${join(root, 'store/data')}/;`],
      ] as const) {
        assert.equal(http.split(from).length, 2, from);
        http = http.replace(from, to);
      }
      nginx = await startNginx(file, directory, http, port);
      front = { ...store, port };
    });
    after(async () => {
      await nginx.stop();
      await rm(directory, { recursive: true, force: true });
    });

    const ask = (plan: RequestPlan): Promise<Answer> => {
      const { target, headers } = sign(front, plan);
      return exchangeTls(front.port, ca, plan.method, target, headers, plan.body);
    };
    const get = (target: string, ...headers: (readonly [string, string])[]): Promise<Answer> =>
      ask({ method: 'GET', target, headers });
    /** What the store itself sent of the last GetObject. */
    const sentByStore = (): number | undefined =>
      store.adminCounts().records.findLast(({ operation }) => operation === 'GetObject')?.bytesOut;

    test('the bytes come from nginx, the headers from the object', async () => {
      const answer = await get('/bucket/big');
      assert.deepEqual([answer.status, sentByStore()], [200, 0]);
      assert.deepEqual(answer.bytes, BIG);
      assert.deepEqual(pick(answer, Object.keys(HEADERS_SENT)), HEADERS_SENT);
      const head = await ask({ method: 'HEAD', target: '/bucket/big' });
      const same = [
        'etag',
        'last-modified',
        'content-length',
        'x-amz-meta-md5',
        'x-amz-tagging-count',
        'accept-ranges',
      ];
      assert.deepEqual(pick(answer, same), pick(head, same));
      assert.equal(answer.headers.etag, `"${md5(BIG)}"`);
      assert.equal(answer.headers['x-amz-meta-md5'], 'of it');
      assert.match(String(answer.headers['x-amz-request-id']), /^\w+$/);
      assert.equal(answer.headers['x-accel-redirect'], undefined);
    });

    test('a checksum comes with the whole object, and with no part of it', async () => {
      const value = createHash('sha256').update(BIG).digest('base64');
      const headers = [['x-amz-checksum-sha256', value]] as const;
      assert.equal((await ask({ method: 'PUT', target: '/bucket/summed', headers, body: BIG })).status, 200);
      const names = ['x-amz-checksum-sha256', 'x-amz-checksum-type'];
      const whole = await get('/bucket/summed', ['x-amz-checksum-mode', 'ENABLED']);
      assert.deepEqual([sentByStore(), whole.bytes], [0, BIG]);
      assert.deepEqual(Object.values(pick(whole, names)), [value, 'FULL_OBJECT']);
      const part = await get('/bucket/summed', ['x-amz-checksum-mode', 'ENABLED'], ['Range', 'bytes=0-9']);
      assert.deepEqual(
        [sentByStore(), part.status, ...Object.values(pick(part, names))],
        [0, 206, undefined, undefined],
      );
    });

    test('ranges are cut by nginx and told as S3 tells them', async () => {
      for (const [range, first, last] of [
        ['bytes=0-9', 0, 9],
        ['bytes=99999-', 99_999, 99_999],
        ['bytes=-7', 99_993, 99_999],
        ['bytes=5-200000', 5, 99_999],
      ] as const) {
        const answer = await get('/bucket/big', ['Range', range]);
        assert.deepEqual([answer.status, sentByStore()], [206, 0], range);
        assert.deepEqual(answer.bytes, BIG.subarray(first, last + 1), range);
        assert.equal(answer.headers['content-range'], `bytes ${String(first)}-${String(last)}/100000`);
        assert.deepEqual(
          [answer.headers.etag, answer.headers['x-amz-meta-md5'], answer.headers['content-type']],
          [`"${md5(BIG)}"`, 'of it', HEADERS.contentType],
        );
      }
      const several = await get('/bucket/big', ['Range', 'bytes=0-1,5-6']);
      assert.deepEqual([several.status, several.bytes], [200, BIG]);
      const beyond = await get('/bucket/big', ['Range', 'bytes=100000-']);
      assert.deepEqual([beyond.status, beyond.code], [416, 'InvalidRange']);
      for (const [validator, status] of [
        [`"${md5(BIG)}"`, 206],
        ['"other"', 200],
      ] as const) {
        const answer = await get('/bucket/big', ['Range', 'bytes=0-9'], ['If-Range', validator]);
        assert.deepEqual([answer.status, sentByStore()], [status, 0], validator);
      }
    });

    test('conditions hold: 200, 206, 304 and 412', async () => {
      const etag = `"${md5(BIG)}"`;
      const matching = await get('/bucket/big', ['If-Match', etag], ['Range', 'bytes=0-9']);
      assert.deepEqual([matching.status, matching.bytes], [206, BIG.subarray(0, 10)]);
      assert.equal((await get('/bucket/big', ['If-Match', '"other"'])).code, 'PreconditionFailed');
      assert.equal((await get('/bucket/big', ['If-None-Match', etag])).status, 304);
      const since = (await get('/bucket/big', ['If-Modified-Since', 'Sat, 01 Jan 2000 00:00:00 GMT'])).bytes;
      assert.deepEqual(since, BIG);
    });

    test('what is sent directly arrives whole too', async () => {
      assert.deepEqual((await get('/bucket/small')).bytes, SMALL);
      assert.deepEqual((await get('/bucket/parts')).bytes, Buffer.concat([Buffer.alloc(PART, 1), Buffer.from('end')]));
      const other = await get('/bucket/named%20otherwise');
      assert.deepEqual([other.bytes, other.headers['x-amz-meta-colour']], [BIG, 'blue']);
    });

    test('an object that is replaced before nginx opens its file comes as it is then', async () => {
      await put('replaced', BIG, { md5: 'old' });
      stale = files.locateFile({ bucket: 'bucket', key: 'replaced' }) ?? null;
      assert.ok(stale !== null);
      const next = randomBytes(50_000);
      await put('replaced', next, { md5: 'new' });
      store.resetCounts();
      try {
        const answer = await get('/bucket/replaced');
        assert.equal(answer.status, 200);
        assert.deepEqual(answer.bytes, next);
        assert.deepEqual([answer.headers.etag, answer.headers['x-amz-meta-md5']], [`"${md5(next)}"`, 'new']);
        const part = await get('/bucket/replaced', ['Range', 'bytes=1-2']);
        assert.deepEqual([part.status, part.bytes], [206, next.subarray(1, 3)]);
      } finally {
        stale = null;
      }
      assert.deepEqual(
        store.adminCounts().records.map(({ bytesOut }) => bytesOut),
        [0, 50_000, 0, 2],
      );
      assert.match(await nginx.errorLog(), /open\(\) ".*" failed \(2: No such file/);
    });

    test('objects can be put through nginx, under any key, and with metadata of any name', async () => {
      for (const [index, key] of ['plain', 'a//b/', 'ü%20+&=', 'up/../and', '%2Fa%2Fb', '.waybill/x'].entries()) {
        const body = Buffer.concat([Buffer.from([index]), BIG]);
        const target = `/bucket/${key.split('/').map(encodeURIComponent).join('/')}`;
        const headers = [
          ['x-amz-meta-with_line', 'a_b'],
          ['Content-Type', 'a/b'],
        ] as const;
        const answer = await ask({ method: 'PUT', target, headers, body });
        assert.equal(answer.status, 200, `${key} ${answer.text}`);
        assert.deepEqual((await files.head({ bucket: 'bucket', key })).metadata, { with_line: 'a_b' });
        const got = await get(target);
        assert.deepEqual([got.bytes, got.headers['content-type']], [body, 'a/b'], key);
      }
    });

    test('a presigned URL works, with its overrides, for the Host that was signed and no other', async () => {
      const plan: RequestPlan = {
        method: 'GET',
        target: '/bucket/big?response-content-type=image%2Fpng&response-cache-control=no-store',
        presignSeconds: 60,
      };
      const answer = await ask(plan);
      assert.deepEqual([answer.bytes, sentByStore()], [BIG, 0]);
      assert.deepEqual(pick(answer, ['content-type', 'cache-control']), {
        'content-type': 'image/png',
        'cache-control': 'no-store',
      });
      const { target } = sign(front, plan);
      const elsewhere = await exchangeTls(front.port, ca, 'GET', target, [['Host', 'elsewhere']]);
      assert.deepEqual([elsewhere.status, elsewhere.code], [403, 'SignatureDoesNotMatch']);
    });

    test('nobody gets a file past the signature', async () => {
      const located = files.locateFile({ bucket: 'bucket', key: 'big' });
      const host = ['Host', `127.0.0.1:${String(front.port)}`] as const;
      for (const path of [`/.waybill/${located?.path ?? ''}`, `/bucket/../.waybill/${located?.path ?? ''}`]) {
        for (const more of [[], [THROUGH_NGINX[0]], [['X-Accel-Redirect', path] as const]]) {
          const answer = await exchangeTls(front.port, ca, 'GET', path, [host, ...more]);
          assert.ok(['AccessDenied', 'InvalidBucketName'].includes(answer.code), answer.text);
        }
        // Waybill's own answer: it is no bucket, or no key.
        const signed = await get(path);
        assert.ok(['InvalidBucketName', 'NoSuchKey'].includes(signed.code), signed.text);
      }
      const credentials = { ...store.credentials, secretAccessKey: 'wrong' };
      const forged = await ask({ method: 'GET', target: '/bucket/big', credentials });
      assert.deepEqual([forged.status, forged.code], [403, 'SignatureDoesNotMatch']);
    });
  });
}

function exchangeTls(
  port: number,
  ca: Buffer,
  method: string,
  path: string,
  headers: readonly (readonly [string, string])[],
  body?: string | Uint8Array,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = https.request({ host: '127.0.0.1', port, method, path, headers: headers.flat(), ca, agent: false });
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const bytes = Buffer.concat(chunks);
        const text = bytes.toString('utf8');
        const code = /<Error><Code>([^<]*)<\/Code>/.exec(text)?.[1] ?? '';
        resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes, text, code });
      });
    });
    request.end(body === undefined ? undefined : Buffer.from(body));
  });
}
