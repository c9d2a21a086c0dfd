/**
 * What `waybill sign` prints: URLs, headers and JSON that are good as they are, and what it says to whoever asks wrongly. Curl commands
 * and scripts have files of their own.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { findSecrets } from '../support/find-secrets.ts';
import { runCommand } from '../support/run-command.ts';
import { runShell } from '../support/run-shell.ts';
import {
  CREDENTIALS,
  KMS_KEY,
  runCurl,
  sign,
  startSignedCommandGround,
  toEnv,
} from '../support/signed-command-ground.ts';

const ground = await startSignedCommandGround();
const { onStore, s3, store, toKey } = ground;
after(() => ground.close());

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
