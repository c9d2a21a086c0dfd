/** Copies from one provider to another, made by the gateway: what goes along, what is proved, and what is refused and by whom. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { DEFAULT_LIMITS } from '../../config/to-gateway.ts';
import { MiB } from '../../core/limits.ts';
import { toWriteHeaders } from '../../gateway/relay/relay-headers.ts';
import { startConnectProxy } from '../support/start-proxy.ts';
import { send, sign, type Answer, type RequestPlan } from '../support/signed-request.ts';
import { PROVIDER_CREDENTIALS, startFakeProvider } from '../support/start-fake-provider.ts';
import type { FakeProvider, ProviderRequest } from '../support/start-fake-provider.ts';
import { providerStore, startGateway, toCallerCredentials, type StartedGateway } from '../support/start-gateway.ts';

const md5 = (bytes: Uint8Array, form: 'hex' | 'base64' = 'hex'): string => createHash('md5').update(bytes).digest(form);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const BYTES = randomBytes(700_000);
const SMALL = Buffer.from('small');
const ERROR = (code: string): string => `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`;

let source: FakeProvider;
let target: FakeProvider;
let gateway: StartedGateway;
/** What the source holds. */
let held: { bytes: Buffer; headers: http.OutgoingHttpHeaders };

before(async () => {
  [source, target] = await Promise.all([startFakeProvider(), startFakeProvider()]);
  const a = source.endpoint;
  const b = target.endpoint;
  gateway = await startGateway({
    stores: [
      providerStore(a, { name: 'a' }),
      providerStore(a, { name: 'opaque', etags: 'opaque' }),
      providerStore(b, { name: 'b' }),
      providerStore(b, { name: 'trusting', unsignedPayload: true }),
      providerStore(b, { name: 'keyed', encryption: { algorithm: 'aws:kms', kmsKeyId: 'arn:key' } }),
    ],
    keys: [
      { name: 'reader', store: 'a', operations: ['read'], prefixes: ['in/'] },
      { name: 'lister', store: 'a', operations: ['list', 'write'] },
      {
        name: 'elsewhere',
        store: 'a',
        operations: ['read'],
        sourceNetworks: ['192.0.2.0/24'],
      },
      { name: 'veiled', store: 'opaque', operations: ['read'] },
      { name: 'writer', store: 'b', operations: ['write'], prefixes: ['out/'] },
      { name: 'unsigned', store: 'trusting', operations: ['write'], allowUnsignedPayload: true },
      { name: 'strict', store: 'trusting', operations: ['write'] },
      { name: 'encrypting', store: 'keyed', operations: ['write'] },
    ],
  });
});
after(async () => {
  await gateway.close();
  await Promise.all([source.close(), target.close()]);
});
beforeEach(() => {
  source.requests.length = 0;
  target.requests.length = 0;
  held = { bytes: BYTES, headers: {} };
  source.script = (request, response) => {
    const etag = `"${md5(held.bytes)}"`;
    if (!request.verdict.ok) response.writeHead(403).end(ERROR(request.verdict.code));
    else if ((request.header('if-match') ?? etag) !== etag) response.writeHead(412).end(ERROR('PreconditionFailed'));
    else response.writeHead(200, { etag, 'content-length': held.bytes.length, ...held.headers }).end(held.bytes);
  };
  target.script = (request, response) => {
    const told = request.header('content-md5');
    if (!request.verdict.ok) response.writeHead(403).end(ERROR(request.verdict.code));
    else if (told !== undefined && told !== md5(request.body, 'base64'))
      response.writeHead(400).end(ERROR('BadDigest'));
    else response.writeHead(200, { etag: `"${md5(request.body)}"`, 'content-length': 0 }).end();
  };
});

type Pair = readonly [name: string, value: string];
interface CopyPlan extends Partial<Omit<RequestPlan, 'at'>> {
  /** Default: the one of all. */
  readonly at?: StartedGateway;
  readonly reader?: string;
  readonly writer?: string;
  /** Of the grant. */
  readonly read?: Partial<RequestPlan>;
  /** What becomes of the grant on its way into the header. */
  readonly bend?: (grant: string) => string;
  readonly headers?: readonly Pair[];
}

function copy({
  at = gateway,
  reader = 'reader',
  writer = 'writer',
  read,
  bend,
  headers = [],
  ...plan
}: CopyPlan = {}): Promise<Answer> {
  const grant = sign(at.caller(reader), { method: 'GET', target: '/source/in/key', presignSeconds: 30, ...read });
  return send(at.caller(writer), {
    ...{ method: 'PUT', target: '/target/out/key' },
    ...plan,
    headers: [['x-amz-copy-source', bend?.(grant.target) ?? grant.target], ...headers],
  });
}

const only = ({ requests }: FakeProvider): ProviderRequest => {
  assert.equal(requests.length, 1);
  return requests[0] as ProviderRequest;
};
const nothingWritten = (): void => assert.deepEqual(target.requests, []);

describe('a copy between two providers', () => {
  it('is read by the one and put by the other, each signed with its own credentials', async () => {
    const answer = await copy();
    assert.equal(answer.status, 200, answer.text);
    assert.match(answer.text, new RegExp(`<CopyObjectResult .*<ETag>&quot;${md5(BYTES)}&quot;</ETag>`));
    const read = only(source);
    const written = only(target);
    assert.deepEqual([read.method, read.url, read.verdict.ok], ['GET', '/source/in/key', true]);
    assert.deepEqual([written.method, written.url, written.verdict.ok], ['PUT', '/target/out/key', true]);
    assert.deepEqual(written.body, BYTES);
    assert.equal(written.header('x-amz-content-sha256'), sha256(BYTES));
    assert.equal(written.header('content-md5'), md5(BYTES, 'base64'));
    assert.equal(answer.headers['x-waybill-requests'], `GetObject=${BYTES.length}, PutObject=${BYTES.length}`);
  });

  for (const bytes of [
    Buffer.alloc(0),
    SMALL,
    randomBytes(32 * 1024),
    randomBytes(32 * 1024 + 1),
    randomBytes(8 * MiB),
  ]) {
    it(`brings ${bytes.length} bytes over`, async () => {
      held.bytes = bytes;
      assert.equal((await copy()).status, 200);
      assert.deepEqual(only(target).body, bytes);
      assert.equal(only(target).header('x-amz-content-sha256'), sha256(bytes));
    });
  }

  it('takes headers and metadata along, byte for byte, and nothing else of the source', async () => {
    const carried = {
      'content-type': 'text/html',
      'cache-control': 'no-cache',
      'content-disposition': 'inline',
      'content-encoding': 'gzip',
      'content-language': 'de',
      expires: 'Thu, 01 Dec 2033 16:00:00 GMT',
      'x-amz-meta-name': Buffer.from('Größe').toString('latin1'),
      'x-amz-meta-stray': '\xff\xfe',
    };
    held.headers = {
      ...carried,
      ...{ 'x-amz-storage-class': 'GLACIER', 'x-amz-website-redirect-location': '/', 'set-cookie': 'a=b' },
      ...{ 'x-amz-tagging-count': '0', 'x-amz-server-side-encryption': 'AES256', 'x-amz-expiration': 'soon' },
    };
    const answer = await copy({
      headers: [
        ['x-amz-meta-own', 'no'],
        ['content-type', 'no/no'],
      ],
    });
    assert.equal(answer.status, 200, answer.text);
    const { headers } = only(target);
    const found = headers.filter(
      ([name]) => name.toLowerCase() in carried || /^x-amz-(meta|storage|web|tagging|server|exp)|^set/i.test(name),
    );
    assert.deepEqual(Object.fromEntries(found.map(([name, value]) => [name.toLowerCase(), value])), carried);
  });

  it('leaves behind how the source was once sent, as any PutObject does', async () => {
    const codings = ['aws-chunked', 'aws-chunked,gzip', 'gzip, AWS-Chunked'];
    for (const coding of codings) {
      held.headers = { 'content-encoding': coding };
      assert.equal((await copy()).status, 200);
    }
    assert.deepEqual(
      target.requests.map((request) => request.header('content-encoding')),
      [undefined, 'gzip', 'gzip'],
    );
  });

  it('has the headers of the copy where its directives say so', async () => {
    held.headers = { 'content-type': 'text/html', 'x-amz-meta-old': 'old', 'x-amz-tagging-count': '2' };
    const answer = await copy({
      headers: [
        ['x-amz-metadata-directive', 'REPLACE'],
        ['x-amz-tagging-directive', 'REPLACE'],
        ['content-type', 'text/plain'],
        ['x-amz-meta-new', 'Größe'],
        ['x-amz-tagging', 'a=b'],
      ],
    });
    assert.equal(answer.status, 200, answer.text);
    const written = only(target);
    assert.deepEqual(
      ['content-type', 'x-amz-meta-new', 'x-amz-meta-old', 'x-amz-tagging'].map((name) => written.header(name)),
      ['text/plain', Buffer.from('Größe').toString('latin1'), undefined, 'a=b'],
    );
  });

  it('has the conditions of both sides looked at where they belong', async () => {
    const conditions: Pair[] = [
      ['x-amz-copy-source-if-match', `"${md5(BYTES)}"`],
      ['if-none-match', '*'],
    ];
    assert.equal((await copy({ headers: conditions })).status, 200);
    assert.equal(only(source).header('if-match'), `"${md5(BYTES)}"`);
    assert.equal(only(source).header('if-none-match'), undefined);
    assert.equal(only(target).header('if-none-match'), '*');
    assert.equal(only(target).header('if-match'), undefined);
  });

  it('takes the encryption that its target is configured for, or that it is told', async () => {
    assert.equal((await copy({ writer: 'encrypting' })).status, 200);
    assert.equal(only(target).header('x-amz-server-side-encryption'), 'aws:kms');
    target.requests.length = 0;
    assert.equal((await copy({ headers: [['x-amz-server-side-encryption', 'AES256']] })).status, 200);
    assert.equal(only(target).header('x-amz-server-side-encryption'), 'AES256');
  });

  it('tells no MD5 where the ETag of the source is none', async () => {
    assert.equal((await copy({ reader: 'veiled' })).status, 200);
    for (const headers of [
      { 'x-amz-server-side-encryption': 'aws:kms' },
      { 'x-amz-server-side-encryption-customer-algorithm': 'AES256' },
      { etag: `"${md5(BYTES)}-1"` },
    ]) {
      held.headers = headers;
      assert.equal((await copy()).status, 200);
    }
    assert.deepEqual(
      target.requests.map((request) => request.header('content-md5')),
      [undefined, undefined, undefined, undefined],
    );
  });

  it('is signed but where store and key both take it otherwise', async () => {
    for (const writer of ['unsigned', 'strict', 'writer']) {
      const answer = await copy({ writer, payloadHash: 'UNSIGNED-PAYLOAD' });
      assert.equal(answer.status, 200, answer.text);
    }
    assert.deepEqual(
      target.requests.map((request) => request.header('x-amz-content-sha256')),
      ['UNSIGNED-PAYLOAD', sha256(BYTES), sha256(BYTES)],
    );
  });

  it('of one version reads that version', async () => {
    held.headers = { 'x-amz-version-id': 'v/1' };
    const answer = await copy({ read: { target: '/source/in/key?versionId=v%2F1' } });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(only(source).url, '/source/in/key?versionId=v%2F1');
    assert.equal(answer.headers['x-amz-copy-source-version-id'], 'v/1');
  });

  it('is logged with where it was read and by whose right, and with no signature', async () => {
    await copy();
    const line = gateway.logged.findLast((one) => one.includes('copiedFrom')) ?? '';
    assert.match(line, /copiedFrom: 'a\/source\/in\/key'/);
    assert.match(line, /readBy: 'reader'/);
    assert.match(line, /key: 'writer'/);
    for (const one of gateway.logged) assert.doesNotMatch(one, /X-Amz-Signature/);
  });
});

describe('a copy between two providers that fails', () => {
  const refusedAs = (answer: Answer, status: number, code: string): void =>
    assert.deepEqual([answer.status, answer.code], [status, code], answer.text);

  it('at the source has written nothing, and says what the source said', async () => {
    refusedAs(await copy({ headers: [['x-amz-copy-source-if-match', '"other"']] }), 412, 'PreconditionFailed');
    source.script = (_, response) => void response.writeHead(404).end(ERROR('NoSuchKey'));
    const gone = await copy();
    refusedAs(gone, 404, 'NoSuchKey');
    assert.equal(gone.headers['x-waybill-requests'], 'GetObject=0');
    source.script = (_, response) => void response.writeHead(503, { 'retry-after': '7' }).end(ERROR('SlowDown'));
    const slow = await copy();
    refusedAs(slow, 503, 'SlowDown');
    assert.equal(slow.headers['retry-after'], '7');
    nothingWritten();
  });

  it('at the target says what the target said', async () => {
    target.script = (_, response) => void response.writeHead(412).end(ERROR('PreconditionFailed'));
    const answer = await copy();
    refusedAs(answer, 412, 'PreconditionFailed');
    assert.equal(answer.headers['x-waybill-requests'], `GetObject=${BYTES.length}, PutObject=0`);
  });

  it('has written nothing where the source ignored the condition', async () => {
    source.script = (_, response) =>
      void response.writeHead(200, { etag: '"another"', 'content-length': 5 }).end('other');
    refusedAs(await copy({ headers: [['x-amz-copy-source-if-match', `"${md5(BYTES)}"`]] }), 412, 'PreconditionFailed');
    nothingWritten();
  });

  it('has written nothing where the object broke off, said no length, or is too large', async () => {
    source.script = (_, response) => {
      response.writeHead(200, { etag: '"e"', 'content-length': BYTES.length });
      response.write(BYTES.subarray(0, 300_000), () => response.destroy());
    };
    assert.equal((await copy()).status, 503);
    source.script = (_, response) => void response.writeHead(200, { etag: '"e"' }).end(BYTES);
    refusedAs(await copy(), 501, 'NotImplemented');
    held.bytes = randomBytes(8 * MiB + 1);
    source.script = (_, response) =>
      void response.writeHead(200, { etag: '"e"', 'content-length': held.bytes.length }).end(held.bytes);
    refusedAs(await copy(), 400, 'EntityTooLarge');
    nothingWritten();
  });

  it('is refused by the target where other bytes came than the ETag of the source names', async () => {
    source.script = (_, response) =>
      void response.writeHead(200, { etag: `"${md5(BYTES)}"`, 'content-length': SMALL.length }).end(SMALL);
    refusedAs(await copy(), 400, 'BadDigest');
  });

  it('has written nothing of an object with tags, unless they may stay behind', async () => {
    held.headers = { 'x-amz-tagging-count': '1' };
    refusedAs(await copy(), 400, 'InvalidRequest');
    nothingWritten();
    assert.equal((await copy({ headers: [['x-amz-tagging-directive', 'REPLACE']] })).status, 200);
  });

  it('is no success where the target says so before it had all of it', async () => {
    const early = http.createServer((request, response) => {
      response.writeHead(200, { etag: `"${md5(BYTES)}"`, 'content-length': 0 }).end();
      request.resume();
    });
    await new Promise<void>((resolve) => early.listen(0, '127.0.0.1', resolve));
    const { port } = early.address() as AddressInfo;
    const own = await startGateway({
      stores: [providerStore(source.endpoint, { name: 'a' }), providerStore(`http://127.0.0.1:${port}`, { name: 'b' })],
      keys: [
        { name: 'reader', store: 'a' },
        { name: 'writer', store: 'b' },
      ],
    });
    try {
      held.bytes = randomBytes(8 * MiB);
      const answer = await copy({ at: own });
      assert.notEqual(answer.status, 200);
    } finally {
      await own.close();
      early.closeAllConnections();
      early.close();
    }
  });

  it('for want of memory is told to slow down, and what it held is given back', async () => {
    const limits = { ...DEFAULT_LIMITS, memoryBytes: MiB };
    const own = await startGateway({
      stores: [providerStore(source.endpoint, { name: 'a' }), providerStore(target.endpoint, { name: 'b' })],
      keys: [
        { name: 'reader', store: 'a' },
        { name: 'writer', store: 'b' },
      ],
      gateway: { limits },
    });
    try {
      const answerWell = target.script;
      let answer: () => void = () => undefined;
      target.script = (request, response) => void (answer = () => answerWell(request, response));
      const first = copy({ at: own });
      await target.seen(0);
      refusedAs(await copy({ at: own }), 503, 'SlowDown');
      answer();
      assert.equal((await first).status, 200);
      target.script = answerWell;
      for (let again = 0; again < 3; again++) assert.equal((await copy({ at: own })).status, 200);
    } finally {
      await own.close();
    }
  });

  it('begins no write when its caller has left, and ends the reading', async () => {
    let left: () => void = () => undefined;
    const hasLeft = new Promise<void>((resolve) => (left = resolve));
    const reading = new Promise<http.ServerResponse>((resolve) => {
      source.script = (_, response) => {
        response.on('close', left);
        response.writeHead(200, { etag: '"e"', 'content-length': BYTES.length });
        response.write(BYTES.subarray(0, 1000), () => resolve(response));
      };
    });
    const grant = sign(gateway.caller('reader'), { method: 'GET', target: '/source/in/key', presignSeconds: 30 });
    const plan = { method: 'PUT', target: '/target/out/key', headers: [['x-amz-copy-source', grant.target]] as const };
    const { headers } = sign(gateway.caller('writer'), plan);
    const asked = http.request({
      port: gateway.caller('writer').port,
      method: 'PUT',
      path: plan.target,
      headers: headers.flat(),
    });
    asked.on('error', () => undefined).end();
    await reading;
    asked.destroy();
    await hasLeft;
    nothingWritten();
  });

  it('does not begin to write when its leave to read has run out meanwhile', async () => {
    source.script = (_, response) =>
      void setTimeout(() => {
        response.writeHead(200, { etag: '"e"', 'content-length': SMALL.length }).end(SMALL);
      }, 1500);
    refusedAs(await copy({ read: { presignSeconds: 1 } }), 400, 'RequestTimeout');
    nothingWritten();
  });

  it('nor when it has run out while a connection to the target was opened', async () => {
    const proxy = await startConnectProxy({ to: Number(new URL(target.endpoint).port), afterMs: 1500 });
    const slow = await startGateway({
      stores: [
        providerStore(source.endpoint, { name: 'a' }),
        providerStore(target.endpoint, {
          name: 'far',
          egress: { kind: 'connect', secure: false, host: '127.0.0.1', port: proxy.port, credentials: null },
        }),
      ],
      keys: [
        { name: 'reader', store: 'a' },
        { name: 'writer', store: 'far' },
      ],
    });
    try {
      const grant = sign(slow.caller('reader'), { method: 'GET', target: '/source/in/key', presignSeconds: 1 });
      const answer = await send(slow.caller('writer'), {
        ...{ method: 'PUT', target: '/target/out/key' },
        headers: [['x-amz-copy-source', grant.target]],
      });
      refusedAs(answer, 400, 'RequestTimeout');
      nothingWritten();
    } finally {
      await slow.close();
      await proxy.close();
    }
  });
});

describe('a copy between two providers is refused', () => {
  const attempts: readonly (readonly [what: string, status: number, code: string, plan: CopyPlan])[] = [
    ['by a leave that ran out', 403, 'AccessDenied', { read: { at: new Date(Date.now() - 31_000) } }],
    [
      'by a leave whose signature is not right',
      403,
      'SignatureDoesNotMatch',
      { bend: (grant) => grant.replace(/.$/, (c) => (c === '0' ? '1' : '0')) },
    ],
    [
      'by a leave for another object',
      403,
      'SignatureDoesNotMatch',
      { bend: (grant) => grant.replace('/in/key', '/in/other') },
    ],
    [
      'by a leave for a longer time',
      403,
      'SignatureDoesNotMatch',
      { bend: (grant) => grant.replace('Expires=30', 'Expires=300') },
    ],
    [
      'by a leave with a version put in',
      403,
      'SignatureDoesNotMatch',
      { bend: (grant) => grant.replace('?', '?versionId=1&') },
    ],
    ['by a leave to put', 403, 'SignatureDoesNotMatch', { read: { method: 'PUT' } }],
    [
      'by a leave of an unknown key',
      403,
      'InvalidAccessKeyId',
      { read: { credentials: toCallerCredentials('nobody') } },
    ],
    [
      "by a leave that the gateway's own provider key signed",
      403,
      'InvalidAccessKeyId',
      { read: { credentials: PROVIDER_CREDENTIALS } },
    ],
    ['by a key outside its prefix', 403, 'AccessDenied', { read: { target: '/source/other/key' } }],
    ['by a key that may not read', 403, 'AccessDenied', { reader: 'lister' }],
    ['by a key that may not be used from here', 403, 'AccessDenied', { reader: 'elsewhere' }],
    ['to a place where the writer may not write', 403, 'AccessDenied', { target: '/target/other/key' }],
    ['to a writer who may only read', 403, 'AccessDenied', { writer: 'reader' }],
    ['of part of an object', 400, 'InvalidArgument', { read: { target: '/source/in/key?partNumber=1' } }],
    [
      'of an object under other headers',
      400,
      'InvalidArgument',
      { read: { target: '/source/in/key?response-content-type=text%2Fhtml' } },
    ],
    ['of the tags of an object', 400, 'InvalidArgument', { read: { target: '/source/in/key?tagging' } }],
    ['of a listing', 400, 'InvalidArgument', { read: { target: '/source?list-type=2' } }],
    [
      'with a header of its own in the leave',
      400,
      'InvalidArgument',
      { read: { target: '/source/in/key?x-amz-meta-a=b' } },
    ],
    ['for another host', 403, 'SignatureDoesNotMatch', { read: { headers: [['x-host', 'a']] } }],
    ['into a part of an upload', 501, 'NotImplemented', { target: '/target/out/key?partNumber=1&uploadId=u' }],
    ['with a range', 501, 'NotImplemented', { headers: [['x-amz-copy-source-range', 'bytes=0-1']] }],
    [
      'under a condition that is not offered',
      501,
      'NotImplemented',
      { headers: [['x-amz-copy-source-if-none-match', '"e"']] },
    ],
    ['with a checksum to be computed', 501, 'NotImplemented', { headers: [['x-amz-checksum-algorithm', 'SHA256']] }],
    ['with a directive that is none', 400, 'InvalidArgument', { headers: [['x-amz-metadata-directive', 'MOVE']] }],
    [
      'with a key of SSE-C',
      501,
      'NotImplemented',
      { headers: [['x-amz-copy-source-server-side-encryption-customer-key', 'a']] },
    ],
    [
      'where the source is not signed for',
      403,
      'AccessDenied',
      { signedHeaders: ['host', 'x-amz-date', 'x-amz-content-sha256'] },
    ],
    ['with a body', 400, 'UnexpectedContent', { body: 'a' }],
  ];
  for (const [what, status, code, plan] of attempts) {
    it(what, async () => {
      const answer = await copy(plan);
      assert.deepEqual([answer.status, answer.code], [status, code], answer.text);
      assert.doesNotMatch(answer.text, /X-Amz-Signature|canary/);
      nothingWritten();
    });
  }

  it('of an object whose metadata no request can carry', () => {
    const write = (value: string) => toWriteHeaders(new Map(), { 'x-amz-meta-a': value });
    assert.deepEqual(write('a\tb').carried, [['x-amz-meta-a', 'a\tb']]);
    for (const value of ['a\u0001', 'a\u007f', 'a\u000b'])
      assert.throws(() => write(value), { type: 'invalid_request' });
  });

  it('by a directory, which has no part in it', async () => {
    const { startStore } = await import('../support/start-store.ts');
    const store = await startStore({ buckets: ['bucket'] });
    try {
      const grant = sign(store, { method: 'GET', target: '/bucket/key', presignSeconds: 30 });
      const answer = await send(store, {
        ...{ method: 'PUT', target: '/bucket/copy' },
        headers: [['x-amz-copy-source', grant.target]],
      });
      assert.deepEqual([answer.status, answer.code], [501, 'NotImplemented']);
    } finally {
      await store.close();
    }
  });
});
