/**
 * The scripts that `waybill sign` prints, and what they share with its curl commands, run by dash and by bash against a store and
 * against services that verify each signature.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import { findSecrets } from '../support/find-secrets.ts';
import { runShell, SHELLS, type ShellEnd } from '../support/run-shell.ts';
import {
  CREDENTIALS,
  HOSTILE,
  KMS_KEY,
  MIB,
  runCurl,
  startSignedCommandGround,
  toEnv,
} from '../support/signed-command-ground.ts';
import { startFakeKms } from '../support/start-fake-kms.ts';
import { PROVIDER_CREDENTIALS } from '../support/start-fake-provider.ts';
import { startVerifier, UPLOAD_ID, type VerifiedRequest } from '../support/start-verifier.ts';

const ground = await startSignedCommandGround();
const { onStore, readStored, s3, scratch, store, toKey, writeScript } = ground;
after(() => ground.close());

for (const shell of SHELLS) {
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
