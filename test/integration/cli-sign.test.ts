/**
 * What `waybill sign` prints is run, by dash and by bash with the curl of this machine, against a store and against services that
 * verify each signature. No request here is signed by anything but the output under test.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { Credentials } from '../../sigv4/types.ts';
import { findSecrets } from '../support/find-secrets.ts';
import { runCommand } from '../support/run-command.ts';
import { runShell, SHELLS, type Shell, type ShellEnd } from '../support/run-shell.ts';
import { startFakeKms } from '../support/start-fake-kms.ts';
import { PROVIDER_CREDENTIALS } from '../support/start-fake-provider.ts';
import { startStore, type StartedStore } from '../support/start-store.ts';
import { startVerifier, UPLOAD_ID, type VerifiedRequest, type Verifier } from '../support/start-verifier.ts';

const CREDENTIALS: Credentials = {
  accessKeyId: 'AKIDSIGNTEST',
  secretAccessKey: 'sEcr3t/+of=the\'"$`test%s\\n',
  sessionToken: 'tOken/+of=the%test==',
};
const KMS_KEY = "arn:aws:kms:eu-west-1:123456789012:alias/it's";
/** All that means something to a shell, to printf, to curl or to HTTP. */
const HOSTILE = `it's "$HOME" \`id\` $(id) \\ \\n %s %% !x * ? ~ {a,b} [1-2] & ; | < > # é ☃ 𝄞`;
const MIB = 1024 * 1024;

let scratch: string;
let store: StartedStore;
let s3: Verifier;

before(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), 'waybill-sign-'));
  store = await startStore({ buckets: ['bucket'] });
  s3 = await startVerifier('s3', 'eu-west-1', () => CREDENTIALS);
});
after(async () => {
  await store.close();
  await s3.close();
  await rm(scratch, { recursive: true, force: true });
});

function toEnv({ accessKeyId, secretAccessKey, sessionToken }: Credentials): Record<string, string> {
  return {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    ...(sessionToken !== undefined && { AWS_SESSION_TOKEN: sessionToken }),
  };
}

async function sign(credentials: Credentials | null, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(['sign', ...args], credentials === null ? {} : toEnv(credentials));
  assert.equal(code, 0, stderr);
  return stdout;
}

/** What is printed is run as it is. */
async function runCurl(shell: Shell, credentials: Credentials, args: readonly string[]): Promise<ShellEnd> {
  const command = await sign(credentials, ['--as', 'curl', ...args]);
  const end = await runShell(shell, ['-c', command.replace(/^curl /, 'curl --silent --show-error --fail ')]);
  assert.equal(end.code, 0, command + end.stderr);
  return end;
}

/** A script is printed without any key at hand. */
async function writeScript(args: readonly string[]): Promise<string> {
  const file = path.join(scratch, `script ${randomBytes(4).toString('hex')}.sh`);
  await writeFile(file, await sign(null, ['--as', 'sh', ...args]));
  return file;
}

const onStore = (): string[] => ['--region', store.region];
const toKey = (name: string): string =>
  `${store.endpoint}/bucket/${name.replaceAll('%', '%25').replace(/[?#]/g, encodeURIComponent)}`;

async function readStored(key: string): Promise<Buffer> {
  const { body } = await store.store.get({ bucket: 'bucket', key });
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

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

  test(`${shell}: the script uploads 12 MiB in parts; the store holds the same bytes`, async () => {
    const key = `${shell} ${HOSTILE}.bin`;
    const bytes = randomBytes(12 * MIB + 7);
    const file = path.join(scratch, `-12 MiB ${shell} it's $(id)`);
    await writeFile(file, bytes);
    const script = await writeScript([
      toKey(key),
      ...onStore(),
      '--operation',
      'MultipartUpload',
      '-H',
      `x-amz-meta-a: ${HOSTILE}`,
    ]);
    const end = await runShell(
      shell,
      [script, path.basename(file)],
      { ...toEnv(store.credentials), PART_MIB: '5' },
      scratch,
    );
    assert.equal(end.code, 0, end.stderr);
    assert.match(end.stderr, /part 3 of 3/);
    assert.ok((await readStored(key)).equals(bytes));
    const empty = path.join(scratch, 'empty');
    await writeFile(empty, '');
    const none = await runShell(shell, [script, empty], toEnv(store.credentials));
    assert.equal(none.code, 0, none.stderr);
    assert.equal((await readStored(key)).length, 0);
  });

  test(`${shell}: the script puts a file, or the body that it was made with`, async () => {
    const file = path.join(scratch, `${shell} one é`);
    await writeFile(file, randomBytes(3 * MIB));
    for (const [name, more] of [
      ['script', []],
      ['script/', []],
      ['script-default', ['--data-file', file]],
    ] as const) {
      const script = await writeScript([toKey(shell + name), ...onStore(), '--operation', 'PutObject', ...more]);
      const end = await runShell(shell, [script, ...(more.length === 0 ? [file] : [])], toEnv(store.credentials));
      assert.equal(end.code, 0, end.stderr);
      assert.ok((await readStored(shell + name)).equals(await readFile(file)));
    }
    const script = await writeScript([toKey(`${shell}-text`), ...onStore(), '--data', `${HOSTILE}\n\n`]);
    const end = await runShell(shell, [script], toEnv(store.credentials));
    assert.equal(end.code, 0, end.stderr);
    assert.equal((await readStored(`${shell}-text`)).toString(), `${HOSTILE}\n\n`);
  });

  test(`${shell}: SSE-KMS headers are signed on the single PUT and on the initiate, by curl and by script`, async () => {
    const url = `${s3.endpoint}/bucket/key`;
    const sse = [
      '--region',
      'eu-west-1',
      '--kms-key-id',
      KMS_KEY,
      '-H',
      'if-none-match: *',
      '-H',
      'x-amz-meta-b: "q\\',
    ];
    const file = path.join(scratch, `${shell}-sse`);
    await writeFile(file, randomBytes(6 * MIB));
    s3.requests.length = 0;
    await runCurl(shell, CREDENTIALS, [url, ...sse, '--operation', 'PutObject', '--data-file', file]);
    await runCurl(shell, CREDENTIALS, [url, ...sse, '--operation', 'CreateMultipartUpload']);
    for (const operation of ['PutObject', 'MultipartUpload']) {
      const script = await writeScript([url, ...sse, '--operation', operation]);
      const end = await runShell(shell, [script, file], { ...toEnv(CREDENTIALS), PART_MIB: '5' });
      assert.equal(end.code, 0, end.stderr);
    }
    assert.deepEqual(s3.requests.map(({ refusal }) => refusal).filter(Boolean), []);
    const asked = s3.requests.map((one) => [
      one.method,
      one.headers['x-amz-server-side-encryption-aws-kms-key-id'] ?? '-',
      one.headers['x-amz-meta-b'] ?? '-',
      one.headers['if-none-match'] ?? '-',
    ]);
    const meta = '"q\\';
    assert.deepEqual(asked, [
      ['PUT', KMS_KEY, meta, '*'],
      ['POST', KMS_KEY, meta, '*'],
      ['PUT', KMS_KEY, meta, '*'],
      ['POST', KMS_KEY, meta, '-'],
      ['PUT', '-', '-', '-'],
      ['PUT', '-', '-', '-'],
      ['POST', '-', '-', '*'],
    ]);
    for (const one of s3.requests) {
      assert.equal(one.headers['x-amz-security-token'], CREDENTIALS.sessionToken);
      if (one.headers['x-amz-meta-b'] !== undefined)
        assert.equal(one.headers['x-amz-server-side-encryption'], 'aws:kms');
    }
    assert.equal(s3.requests[4]?.url, `/bucket/key?partNumber=1&uploadId=${encodeUploadId()}`);
    assert.match(s3.requests.at(-1)?.body.toString() ?? '', /^<CompleteMultipartUpload .*<PartNumber>2<.*"<\/ETag>/);
  });

  test(`${shell}: a part that fails is sent again alone; one that is refused aborts the upload`, async () => {
    const file = path.join(scratch, `${shell}-failing`);
    await writeFile(file, randomBytes(6 * MIB));
    const script = await writeScript([
      `${s3.endpoint}/bucket/key`,
      '--region',
      'eu-west-1',
      '--operation',
      'MultipartUpload',
    ]);
    const run = async (fail: (request: VerifiedRequest) => number | null): Promise<[ShellEnd, string[]]> => {
      s3.requests.length = 0;
      s3.fail = fail;
      const end = await runShell(shell, [script, file], { ...toEnv(CREDENTIALS), PART_MIB: '5' });
      s3.fail = () => null;
      return [
        end,
        s3.requests.map(({ method, url }) => `${method} ${/partNumber=\d|uploads|uploadId/.exec(url)?.[0] ?? ''}`),
      ];
    };
    let failures = 1;
    const [again, sent] = await run(({ url }) => (url.includes('partNumber=1') && failures-- > 0 ? 503 : null));
    assert.equal(again.code, 0, again.stderr);
    assert.deepEqual(sent, [
      'POST uploads',
      'PUT partNumber=1',
      'PUT partNumber=1',
      'PUT partNumber=2',
      'POST uploadId',
    ]);
    const [refused, tried] = await run(({ url }) => (url.includes('partNumber=2') ? 403 : null));
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /UploadPart 2 of 2: answered 403/);
    assert.match(refused.stderr, /aborted/);
    assert.deepEqual(tried, ['POST uploads', 'PUT partNumber=1', 'PUT partNumber=2', 'DELETE uploadId']);
    const [broken, ended] = await run(({ method, url }) =>
      method === 'POST' && url.includes('uploadId') ? 400 : null,
    );
    assert.equal(broken.code, 1);
    assert.equal(ended.at(-1), 'DELETE uploadId');
  });

  test(`${shell}: a script that is told to stop aborts its upload and leaves no file behind`, async () => {
    const file = path.join(scratch, `${shell}-stopped`);
    const temporary = await mkdtemp(path.join(scratch, 'tmp-'));
    await writeFile(file, randomBytes(6 * MIB));
    const url = `${s3.endpoint}/bucket/key`;
    const script = await writeScript([url, '--region', 'eu-west-1', '--operation', 'MultipartUpload']);
    s3.requests.length = 0;
    const env = { PATH: process.env['PATH'], TMPDIR: temporary, PART_MIB: '5', ...toEnv(CREDENTIALS) };
    const child = spawn(shell, [script, file], { env, stdio: 'ignore' });
    s3.fail = ({ url: asked }) => {
      if (asked.includes('partNumber=1')) child.kill('SIGTERM');
      return null;
    };
    const [code] = (await once(child, 'close')) as [number | null];
    s3.fail = () => null;
    assert.equal(code, 143);
    assert.deepEqual(
      s3.requests.map(({ method, refusal }) => [method, refusal]),
      [
        ['POST', null],
        ['PUT', null],
        ['DELETE', null],
      ],
    );
    assert.deepEqual(await readdir(temporary), []);
  });

  test(`${shell}: ListAliases and GetCallerIdentity hold, and the script follows every page`, async () => {
    const kms = await startFakeKms(10);
    const sts = await startVerifier('sts', 'eu-west-1', () => CREDENTIALS);
    try {
      kms.aliases = Array.from({ length: 25 }, (_, index) => `alias/number-${String(index)}`);
      const args = [kms.endpoint, '--operation', 'ListAliases', '--region', 'eu-west-1'];
      const single = await runCurl(shell, PROVIDER_CREDENTIALS, args);
      assert.equal((JSON.parse(single.stdout.toString()) as { Aliases: unknown[] }).Aliases.length, 10);
      assert.equal(kms.headers[0]?.['x-amz-content-sha256'], undefined);
      const end = await runShell(shell, [await writeScript(args)], toEnv(PROVIDER_CREDENTIALS));
      assert.equal(end.code, 0, end.stderr);
      const pages = end.stdout.toString().trim().split('\n');
      const names = pages.flatMap((line) => (JSON.parse(line) as { Aliases: { AliasName: string }[] }).Aliases);
      assert.deepEqual(
        names.map(({ AliasName }) => AliasName),
        kms.aliases,
      );
      const wrong = await runShell(
        shell,
        [await writeScript(args)],
        toEnv({ ...PROVIDER_CREDENTIALS, secretAccessKey: 'wrong' }),
      );
      assert.equal(wrong.code, 1);
      assert.match(wrong.stderr, /InvalidSignatureException/);

      const identity = [`${sts.endpoint}/`, '--operation', 'GetCallerIdentity', '--region', 'eu-west-1'];
      assert.match((await runCurl(shell, CREDENTIALS, identity)).stdout.toString(), /GetCallerIdentityResponse/);
      const script = await runShell(shell, [await writeScript(identity)], toEnv(CREDENTIALS));
      assert.match(script.stdout.toString(), /GetCallerIdentityResponse/, script.stderr);
      // A path that is signed encoded twice, and a query out of order.
      const odd = [`${sts.endpoint}/a b/é+(x):y/`, '--service', 'sts', '--region', 'eu-west-1'].map((one) =>
        one.startsWith('http') ? `${one}?b=2&a=%2F&a= '` : one,
      );
      await runCurl(shell, CREDENTIALS, [...odd, '--data', HOSTILE]);
      await runShell(shell, [await writeScript([...odd, '--data', HOSTILE])], toEnv(CREDENTIALS));
      assert.equal(sts.requests.length, 4);
      assert.deepEqual(
        sts.requests.map(({ refusal }) => refusal),
        [null, null, null, null],
      );
    } finally {
      await kms.close();
      await sts.close();
    }
  });

  test(`${shell}: a script signs with keys of any length, and no child of it is given one`, async () => {
    // Instead of the tools: they write down what they were given and hand on.
    const bin = path.join(scratch, `bin-${shell}`);
    const log = path.join(scratch, `log-${shell}`);
    await mkdir(bin);
    for (const tool of ['curl', 'openssl', 'od', 'tr']) {
      const real = (await runShell(shell, ['-c', `command -v ${tool}`])).stdout.toString().trim();
      const text = `#!/bin/sh\nprintf '%s\\n' ${tool} "$@" >>'${log}'\nenv >>'${log}'\nexec ${real} "$@"\n`;
      await writeFile(path.join(bin, tool), text);
      await chmod(path.join(bin, tool), 0o755);
    }
    const secrets = [
      'a secret é of its own',
      'k',
      'x'.repeat(60),
      'y'.repeat(61),
      `${randomBytes(90).toString('base64')}~`,
      CREDENTIALS.secretAccessKey,
    ];
    for (const secretAccessKey of secrets) {
      const credentials = { ...CREDENTIALS, secretAccessKey };
      const verifier = await startVerifier('s3', 'eu-west-1', () => credentials);
      try {
        const script = await writeScript([
          `${verifier.endpoint}/bucket/key`,
          '--region',
          'eu-west-1',
          '--data',
          'body',
        ]);
        const keys = {
          ...toEnv(credentials),
          PATH: `${bin}:${process.env['PATH'] ?? ''}`,
          secret: 'exported',
          token: 'exported',
        };
        const end = await runShell(shell, ['-x', script], keys);
        assert.equal(end.code, 0, end.stderr);
        assert.deepEqual(
          verifier.requests.map(({ refusal }) => refusal),
          [null],
        );
        const places = [
          { name: 'arguments and environment', text: await readFile(log, 'utf8') },
          { name: 'stderr', text: end.stderr },
          { name: 'stdout', text: end.stdout.toString() },
        ];
        const hidden = [{ name: 'token', value: credentials.sessionToken ?? '' }];
        if (secretAccessKey.length > 8) hidden.push({ name: 'secret', value: secretAccessKey });
        assert.deepEqual(findSecrets(places, hidden), []);
        assert.match(places[0]?.text ?? '', /^curl\n/m);
      } finally {
        await verifier.close();
      }
    }
  });
}

const encodeUploadId = (): string =>
  encodeURIComponent(UPLOAD_ID).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);

test('a presigned URL is good as it is, and says which headers it needs', async () => {
  const key = 'presigned é';
  await runCurl('dash', store.credentials, [toKey(key), ...onStore(), '--data', 'bytes']);
  const url = (await sign(store.credentials, [toKey(key), ...onStore(), '--as', 'url', '--expires', '60'])).trim();
  assert.equal(await (await fetch(url)).text(), 'bytes');
  assert.match(url, /X-Amz-Expires=60/);
  const args = [
    'sign',
    `${s3.endpoint}/bucket/key`,
    '--region',
    'eu-west-1',
    '--as',
    'url',
    '--operation',
    'PutObject',
  ];
  const { stdout, stderr } = await runCommand([...args, '--kms-key-id', KMS_KEY], toEnv(CREDENTIALS));
  assert.match(stderr, /for PUT[^]*x-amz-server-side-encryption: aws:kms\n/);
  const headers = { 'x-amz-server-side-encryption': 'aws:kms', 'x-amz-server-side-encryption-aws-kms-key-id': KMS_KEY };
  s3.requests.length = 0;
  assert.equal((await fetch(stdout.trim(), { method: 'PUT', body: 'any', headers })).status, 200);
  assert.equal((await fetch(stdout.trim(), { method: 'PUT', body: 'any' })).status, 403);
  assert.equal(s3.requests[0]?.refusal, null);
});

test('the printed headers and the JSON are the request that holds', async () => {
  const args = [`${s3.endpoint}/bucket/key?b&a=1`, '--region', 'eu-west-1', '-H', 'x-amz-meta-a: é', '-X', 'DELETE'];
  const lines = (await sign(CREDENTIALS, [...args, '--as', 'headers'])).trimEnd().split('\n');
  const parsed = JSON.parse(await sign(CREDENTIALS, [...args, '--as', 'json'])) as {
    method: string;
    url: string;
    headers: [string, string][];
    stages: { canonical_request: string };
  };
  s3.requests.length = 0;
  for (const headers of [lines, parsed.headers.map(([name, value]) => `${name}: ${value}`)]) {
    const words = headers.flatMap((line) => ['-H', line]);
    const end = await runShell('dash', ['-c', 'curl -sS --fail "$@"', 'sh', '-X', parsed.method, ...words, parsed.url]);
    assert.equal(end.code, 0, end.stderr);
  }
  assert.deepEqual(
    s3.requests.map(({ refusal }) => refusal),
    [null, null],
  );
  assert.match(parsed.stages.canonical_request, /^DELETE\n\/bucket\/key\na=1&b=\n/);
});

test('the same time gives the same signature, and no form of output holds the secret', async () => {
  const url = `${s3.endpoint}/bucket/key`;
  const secrets = [{ name: 'secret', value: CREDENTIALS.secretAccessKey }];
  for (const form of ['headers', 'url', 'curl', 'json', 'sh']) {
    const args = [
      'sign',
      url,
      '--region',
      'eu-west-1',
      '--as',
      form,
      ...(form === 'sh' ? [] : ['--at', '2026-01-31T12:00:00Z']),
    ];
    const [one, two] = [await runCommand(args, toEnv(CREDENTIALS)), await runCommand(args, toEnv(CREDENTIALS))];
    assert.equal(one.stdout, two.stdout);
    assert.ok(one.stdout.length > 50, one.stderr);
    assert.deepEqual(findSecrets([{ name: form, text: one.stdout + one.stderr }], secrets), []);
    if (form === 'sh') assert.ok(!one.stdout.includes(CREDENTIALS.accessKeyId));
    else assert.match(one.stdout, /20260131T120000Z/);
  }
});

test('what the caller got wrong is one line and exit 2, and never repeats a secret', async () => {
  const good = 'https://s3.eu-west-1.amazonaws.com/b/k';
  const wrong: [args: string[], said: RegExp][] = [
    [[], /a URL is needed/],
    [['ftp://h/k'], /https:\/\/ or http:\/\//],
    [['https://AKID:hunter22hunter22@h/k'], /names a user/],
    [[`${good}100%`], /write %25/],
    [['https://h/a#b'], /write %23/],
    [['https://h/k?X-Amz-Signature=hunter22hunter22'], /presigned already/],
    [['https://h/k'], /region/],
    [[good, '-H', 'nonsense'], /Name: value/],
    [[good, '-H', 'a: b\nc: hunter22hunter22'], /line break/],
    [[good, '-H', 'Authorization: hunter22hunter22'], /Authorization/],
    [[good, '--data', 'a', '--data-file', 'b'], /exclude/],
    [[good, '--data-file', '/no/such/file'], /cannot read/],
    [[good, '--as', 'nothing'], /Allowed choices/],
    [[good, '--at', 'yesterday'], /a time in UTC/],
    [[good, '--at', '2026-02-30T00:00:00Z'], /a time in UTC/],
    [[good, '--expires', '60'], /--as url/],
    [[good, '--as', 'url', '--expires', '604801'], /604800/],
    [[good, '--as', 'sh', '--at', '2026-01-01T00:00:00Z'], /--at has no place/],
    [[good, '--operation', 'UploadPart'], /needs --upload-id/],
    [[good, '--operation', 'AbortMultipartUpload', '--upload-id', 'a', '--part-number', '1'], /has no --part-number/],
    [[good, '--operation', 'CompleteMultipartUpload', '--upload-id', 'a'], /needs its parts/],
    [[good, '--operation', 'CompleteMultipartUpload', '--upload-id', 'a', '--part', 'x'], /NUMBER=ETAG/],
    [[good, '--operation', 'MultipartUpload'], /--as sh/],
    [['https://s3.eu-west-1.amazonaws.com/b', '--operation', 'PutObject'], /key of an object/],
    [[good, '--upload-id', 'a'], /belong to an --operation/],
    [[good, '--operation', 'UploadPart', '--upload-id', 'a', '--part-number', '1', '--sse', 'aws:kms'], /--sse/],
    [['--operation', 'ListAliases'], /region/],
    [['https://kms.eu-west-1.amazonaws.com', '--unsigned-payload'], /only s3/],
  ];
  for (const [args, said] of wrong) {
    const { code, stdout, stderr } = await runCommand(['sign', ...args], toEnv(CREDENTIALS));
    assert.deepEqual([code, stdout], [2, ''], `${args.join(' ')}\n${stderr}`);
    assert.match(stderr, said);
    assert.doesNotMatch(stderr, /hunter22/);
  }
  const noKeys = await runCommand(['sign', good], {});
  assert.deepEqual([noKeys.code, noKeys.stdout], [2, '']);
  assert.match(noKeys.stderr, /AWS_SECRET_ACCESS_KEY/);
  const copied = await runCommand(['sign', good], {
    ...toEnv(CREDENTIALS),
    AWS_SECRET_ACCESS_KEY: 'hunter22hunter22\n',
  });
  assert.equal(copied.code, 2);
  assert.match(copied.stderr, /AWS_SECRET_ACCESS_KEY holds white space/);
  assert.doesNotMatch(copied.stderr, /hunter22/);
});

test('a script says what it lacks: keys, a file, a service that answers', async () => {
  const script = await writeScript(['http://127.0.0.1:9/b/k', '--region', 'eu-west-1', '--operation', 'PutObject']);
  const run = (args: readonly string[], keys: Record<string, string>): Promise<ShellEnd> =>
    runShell('dash', [script, ...args], keys);
  const cases: [args: string[], keys: Record<string, string>, code: number, said: RegExp][] = [
    [[script], {}, 2, /set AWS_ACCESS_KEY_ID/],
    [[script], { ...toEnv(CREDENTIALS), AWS_SECRET_ACCESS_KEY: 'a\n' }, 2, /white space/],
    [[], toEnv(CREDENTIALS), 2, /cannot read the file/],
    [['/no/such'], toEnv(CREDENTIALS), 2, /cannot read the file/],
    [[script], toEnv(CREDENTIALS), 4, /no answer/],
  ];
  for (const [args, keys, code, said] of cases) {
    const end = await run(args, keys);
    assert.equal(end.code, code, end.stderr);
    assert.match(end.stderr, said);
  }
});
