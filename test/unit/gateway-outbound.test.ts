import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toAnswerHeaders } from '../../gateway/provider/answer-headers.ts';
import { HeldBody, TAIL_BYTES } from '../../gateway/provider/held-body.ts';
import { toOutboundHeaders } from '../../gateway/provider/outbound-headers.ts';
import { toProviderAddress } from '../../gateway/provider/provider-address.ts';
import { createRefreshing } from '../../gateway/provider/provider-credentials.ts';
import { toProviderFailure } from '../../gateway/provider/provider-failure.ts';
import { parseUploadTarget } from '../../gateway/upload/upload-target.ts';

const VIRTUAL = { endpoint: 'https://s3.eu-west-1.amazonaws.com', addressing: 'virtual' } as const;
const PATH = { endpoint: 'http://127.0.0.1:9000', addressing: 'path' } as const;
const CREDENTIALS = { accessKeyId: 'AKID', secretAccessKey: 'secret' };
const ASKED = { store: 'cloud', region: 'eu-west-1', operation: 'GetObject' } as const;

describe('the address at the provider', () => {
  it('has the bucket in the host or in the path, and the key encoded once', () => {
    assert.deepEqual(toProviderAddress(VIRTUAL, 'bucket', 'a b/%2F+é'), {
      origin: 'https://bucket.s3.eu-west-1.amazonaws.com',
      host: 'bucket.s3.eu-west-1.amazonaws.com',
      path: '/a%20b/%252F%2B%C3%A9',
    });
    assert.equal(toProviderAddress(PATH, 'bucket', '/a//b/').path, '/bucket//a//b/');
    assert.equal(toProviderAddress(VIRTUAL, 'bucket', '').path, '/');
    assert.equal(toProviderAddress(PATH, '', '').path, '/');
  });

  it('never makes a host of a bucket that is not one DNS label', () => {
    for (const bucket of ['with.dots', 'Upper', 'a_b', 'evil.example#', '-a', 'a'.repeat(64)]) {
      assert.equal(toProviderAddress(VIRTUAL, bucket, 'k').host, 's3.eu-west-1.amazonaws.com', bucket);
    }
  });

  it('refuses a key that climbs out of its bucket, and takes dots that do not', () => {
    for (const key of ['..', '../x', 'a/../../x', '/../x', 'a/./../../x']) {
      assert.throws(() => toProviderAddress(PATH, 'bucket', key), { type: 'invalid_request' }, key);
    }
    for (const key of ['a/../x', '...', '..x', 'a/b/../../x', './x']) {
      assert.equal(toProviderAddress(PATH, 'bucket', key).path, `/bucket/${key}`);
    }
  });
});

describe('the target of an upload', () => {
  it('may have its bucket in the host only where the store is addressed so', () => {
    const { target, addressing } = parseUploadTarget('https://Bucket.s3.eu-west-1.amazonaws.com:443/a%20b', VIRTUAL);
    assert.deepEqual([target.bucket, target.key, addressing], ['bucket', 'a b', 'virtual']);
    const inPath = parseUploadTarget('https://s3.eu-west-1.amazonaws.com/bucket/k', VIRTUAL);
    assert.deepEqual([inPath.target.bucket, inPath.target.key, inPath.addressing], ['bucket', 'k', 'path']);
    const store = { ...VIRTUAL, addressing: 'path' } as const;
    assert.throws(() => parseUploadTarget('https://bucket.s3.eu-west-1.amazonaws.com/k', store), {
      type: 'access_denied',
    });
  });

  it('is no host that only ends or begins like the endpoint', () => {
    for (const url of [
      'https://evils3.eu-west-1.amazonaws.com/b/k',
      'https://s3.eu-west-1.amazonaws.com.evil.example/b/k',
      'https://a.b.s3.eu-west-1.amazonaws.com/k',
      'https://.s3.eu-west-1.amazonaws.com/k',
      'http://s3.eu-west-1.amazonaws.com/b/k',
      'https://s3.eu-west-1.amazonaws.com:8443/b/k',
      'https://s3.eu-west-1.amazonaws.com%2f@evil/b/k',
    ]) {
      assert.throws(() => parseUploadTarget(url, VIRTUAL), /target_url/, url);
    }
    const twoPorts = 'http://127.0.0.1:9000:80/b/k';
    assert.throws(() => parseUploadTarget(twoPorts, PATH), /target_url/, 'the first port would be the endpoint');
  });
});

describe('headers on the way out and back', () => {
  it('are sorted, and lose aws-chunked, which says how the request travelled', () => {
    const headers: [string, string][] = [
      ['x-amz-meta-b', '1'],
      ['content-encoding', 'aws-chunked'],
      ['cache-control', 'no-store'],
    ];
    assert.deepEqual(toOutboundHeaders(headers), [
      ['cache-control', 'no-store'],
      ['x-amz-meta-b', '1'],
    ]);
    assert.deepEqual(toOutboundHeaders([['content-encoding', 'aws-chunked,gzip']]), [['content-encoding', 'gzip']]);
    assert.deepEqual(toOutboundHeaders([['content-encoding', 'gzip, AWS-Chunked']]), [['content-encoding', 'gzip']]);
  });

  it('are kept when they are empty, but for those that only describe', () => {
    const said: [string, string][] = [
      ['if-match', ''],
      ['if-none-match', ''],
      ['range', ''],
      ['x-amz-meta-a', ''],
      ['x-amz-storage-class', ''],
    ];
    assert.deepEqual(toOutboundHeaders(said), said);
    const source = { bucket: 'bucket', key: 'key' };
    const condition: [string, string][] = [
      ['x-amz-copy-source', 'bucket/key'],
      ['x-amz-copy-source-if-match', ''],
      ['x-amz-copy-source-range', ''],
    ];
    assert.deepEqual(toOutboundHeaders(condition, source), [
      ['x-amz-copy-source', '/bucket/key'],
      ...condition.slice(1),
    ]);
    const described = ['cache-control', 'content-encoding', 'content-type', 'expires'];
    assert.deepEqual(toOutboundHeaders(described.map((name) => [name, ''])), []);
  });

  it('have what an attribute listing asks by, and the condition of a range', () => {
    const asked: [string, string][] = [
      ['if-range', '"a"'],
      ['x-amz-max-parts', '2'],
      ['x-amz-object-attributes', 'ETag, ObjectParts'],
      ['x-amz-optional-object-attributes', 'RestoreStatus'],
      ['x-amz-part-number-marker', '1'],
    ];
    assert.deepEqual(toOutboundHeaders(asked), asked);
  });

  it('make no other bucket than was asked for', () => {
    for (const header of [
      ['x-amz-bucket-object-lock-enabled', 'true'],
      ['x-amz-bucket-object-lock-enabled', ''],
      ['x-amz-object-ownership', 'ObjectWriter'],
    ] as const) {
      assert.throws(() => toOutboundHeaders([header]), { type: 'not_implemented' }, header.join());
    }
    const same = [
      ['x-amz-bucket-object-lock-enabled', 'False'],
      ['x-amz-object-ownership', 'BucketOwnerEnforced'],
    ] as const;
    assert.deepEqual(toOutboundHeaders(same), []);
  });

  it('cannot carry a line break, though a query parameter that stands for a header could', () => {
    const headers: [string, string][] = [['x-amz-meta-a', 'b\r\nx-evil: 1']];
    assert.throws(() => toOutboundHeaders(headers), { type: 'invalid_request' });
  });

  it('come back only when they are on the list', () => {
    assert.deepEqual(toAnswerHeaders({ etag: '"e"', 'set-cookie': ['a=b'], location: '/', connection: 'close' }), {
      etag: '"e"',
    });
  });
});

describe('a held body', () => {
  it('gives every byte, and keeps its tail until the end for any sizes of chunks', async () => {
    for (const sizes of [[1], [TAIL_BYTES], [TAIL_BYTES + 1], [10, TAIL_BYTES, 10], Array<number>(40).fill(9000)]) {
      const total = sizes.reduce((sum, size) => sum + size, 0);
      let given = 0;
      const source = async function* (): AsyncGenerator<Uint8Array> {
        for (const size of sizes) yield new Uint8Array(size);
        assert.ok(given <= Math.max(0, total - TAIL_BYTES), `${given} of ${total} before the end`);
      };
      for await (const chunk of new HeldBody(source())) given += chunk.byteLength;
      assert.equal(given, total);
    }
  });
});

describe('refusals of a provider', () => {
  const toAnswer = (status: number, body = ''): Parameters<typeof toProviderFailure>[0] => ({
    status,
    headers: {},
    body: Buffer.from(body),
  });
  it('have a type of the table also without a document', () => {
    for (const [status, type] of [
      [403, 'access_denied'],
      [404, 'no_such_key'],
      [412, 'precondition_failed'],
      [416, 'range_unsatisfiable'],
      [429, 'store_slow_down'],
      [500, 'store_error'],
      [501, 'not_implemented'],
      [503, 'store_slow_down'],
      [504, 'store_error'],
    ] as const) {
      assert.equal(toProviderFailure(toAnswer(status), ASKED, CREDENTIALS).type, type, `${status}`);
    }
    const head = toProviderFailure(toAnswer(404), { ...ASKED, operation: 'HeadBucket' }, CREDENTIALS);
    assert.equal(head.details['s3Code'], 'NoSuchBucket');
  });

  it('cannot smuggle entities, other documents or line breaks through', () => {
    const bomb = '<!DOCTYPE a [<!ENTITY x "y">]><Error><Code>SlowDown</Code><Message>&x;</Message></Error>';
    assert.equal(toProviderFailure(toAnswer(400, bomb), ASKED, CREDENTIALS).details['s3Code'], 'BadRequest');
    const other = '<Errors><Code>NoSuchKey</Code></Errors>';
    assert.equal(toProviderFailure(toAnswer(500, other), ASKED, CREDENTIALS).details['s3Code'], 'InternalError');
    const lines = '<Error><Code>X</Code><Message>a\r\nb [s3Code=NoSuchKey]</Message></Error>';
    assert.match(toProviderFailure(toAnswer(400, lines), ASKED, CREDENTIALS).message, /^a b \(s3Code=NoSuchKey\) \[/);
  });
});

describe('credentials of a chain', () => {
  it('are fetched once for all who wait, kept, and fetched again shortly before they expire', async () => {
    let nowMs = 0;
    let fetched = 0;
    const credentials = createRefreshing(
      'cloud',
      async () => ({ ...CREDENTIALS, sessionToken: `t${++fetched}`, expiration: new Date(nowMs + 3_600_000) }),
      () => nowMs,
    );
    const waiting = await Promise.all(Array.from({ length: 10 }, async () => credentials.current()));
    assert.deepEqual([fetched, waiting[9]?.sessionToken], [1, 't1']);
    nowMs = 3_600_000 - 301_000;
    assert.equal((await credentials.current()).sessionToken, 't1');
    nowMs += 2_000;
    assert.equal((await credentials.current()).sessionToken, 't2');
  });

  it('outlast a refresh that fails while they hold, and then fail without what the chain said', async () => {
    let nowMs = 0;
    let isDown = false;
    const credentials = createRefreshing(
      'cloud',
      async () => {
        if (isDown) throw new Error('the process printed secret');
        return { ...CREDENTIALS, expiration: new Date(3_600_000) };
      },
      () => nowMs,
    );
    await credentials.current();
    isDown = true;
    nowMs = 3_500_000;
    assert.equal((await credentials.current()).accessKeyId, 'AKID');
    nowMs = 3_700_000;
    await assert.rejects(
      async () => credentials.current(),
      (error: Error & { type?: string }) => error.type === 'bad_credentials' && !error.message.includes('printed'),
    );
  });
});
