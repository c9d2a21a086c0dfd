/** `waybill explain` as a process: from stdin, a file and an argument, as text and JSON; anything else is one line and exit 2. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { BODY, CORRECT, SECRET, signTexts, toRequest } from '../support/broken-requests.ts';
import { runWaybill } from '../support/run-waybill.ts';

const signature = signTexts({ ...CORRECT(), region: 'us-east-1' });
const { method, path: target, query, headers } = toRequest(signature);
const REQUEST = [
  `${method} ${target}?${query} HTTP/1.1`,
  ...headers.map(([name, value]) => `${name}: ${value}`),
  '',
  BODY,
].join('\n');
const env = { AWS_SECRET_ACCESS_KEY: SECRET };

test('from stdin, with the secret of the environment: the cause first, and exit 0', async () => {
  const { code, stdout, stderr } = await runWaybill(['explain'], { input: [REQUEST], env });
  assert.equal(code, 0, stderr);
  assert.match(
    stdout,
    /^It was signed for another region than its credential names .*\(proved: with it the signature holds\)/,
  );
  assert.ok(!stdout.includes(SECRET) && !stdout.includes(signature));
});

test('from a file, as JSON', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'waybill-explain-'));
  try {
    const file = path.join(directory, 'request.txt');
    await writeFile(file, REQUEST);
    const { code, stdout } = await runWaybill(['explain', file, '--json'], { env });
    assert.equal(code, 0);
    const { verdict, findings } = JSON.parse(stdout) as { verdict: string; findings: { id: string; proof: string }[] };
    assert.deepEqual([verdict, findings[0]?.id, findings[0]?.proof], ['found', 'region-differs', 'signature']);
    assert.ok(!stdout.includes(SECRET) && !stdout.includes(signature));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

test('an argument may be the text itself, and --as says what it is', async () => {
  const unsigned = await runWaybill(['explain', "curl -X PUT 'http://h/b/k' -H 'x-amz-date: 20261122T101112Z'"]);
  assert.equal(unsigned.code, 0);
  assert.match(unsigned.stdout, /^It carries no signature/);
  const forced = await runWaybill(['explain', '--as', 'har', '-'], { input: [REQUEST] });
  assert.equal(forced.code, 2, 'an HTTP dump is no HAR');
  assert.match(forced.stderr, /as har; without --as it is read as HTTP request: expected/);
  const kind = await runWaybill(['explain', '--as', 'telegram', '-'], { input: [REQUEST] });
  assert.equal(kind.code, 2);
});

test('anything else gets one line that says what was expected, and exit 2', async () => {
  for (const [args, input] of [
    [['explain'], 'hello'],
    [['explain'], ''],
    [['explain'], '\0\u00ff{"a":1}'],
    [['explain', 'no-such-file'], ''],
    [['explain', 'some words: that are nothing'], ''],
  ] as const) {
    const { code, stdout, stderr } = await runWaybill(args, { input: [input] });
    assert.equal(code, 2, args.join(' '));
    assert.equal(stdout, '');
    assert.match(stderr, /expected a raw HTTP request, a curl command, a presigned URL/);
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
    assert.doesNotMatch(stderr, /\bat .*:\d+:\d+/);
  }
});

test('the line that a client prints of a refusal holds no request: it is told how to get one', async () => {
  for (const line of [
    'An error occurred (SignatureDoesNotMatch) when calling the PutObject operation: The request signature we calculated …',
    'upload failed: ./x to s3://b/x An error occurred (InvalidAccessKeyId) when calling the PutObject operation: The AWS …',
    'ERROR: S3 error: 403 (SignatureDoesNotMatch)',
    'Failed to copy: SignatureDoesNotMatch: The request signature we calculated does not match\n\tstatus code: 403',
  ]) {
    const { code, stderr } = await runWaybill(['explain', '-'], { input: [line] });
    assert.equal(code, 2, line);
    assert.match(stderr, /^waybill: this tells that the request was refused, and not what was signed: .*aws --debug/);
    assert.equal(stderr.trimEnd().split('\n').length, 1);
  }
});

test('an argument that is no file is not repeated: it may be a secret', async () => {
  for (const argument of [SECRET, `AWS_SECRET_ACCESS_KEY=${SECRET}`, `${SECRET}.txt`]) {
    for (const args of [
      ['explain', argument],
      ['explain', '-', argument],
    ]) {
      const { code, stdout, stderr } = await runWaybill(args, { input: [REQUEST] });
      assert.equal(code, 2);
      assert.match(stderr, /there is no file with the name of the argument/);
      assert.ok(!(stdout + stderr).includes(SECRET.slice(0, 8)), stderr);
    }
  }
});

test('a directory, and a prompt that nobody answers, are one line and exit 2', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'waybill-explain-'));
  try {
    const listed = await runWaybill(['explain', directory]);
    assert.equal(listed.code, 2, listed.stderr);
    assert.match(listed.stderr, /^[^\n]*a directory is no evidence: expected [^\n]*\n$/);
    const file = path.join(directory, 'request.txt');
    await writeFile(file, REQUEST);
    const asked = await runWaybill(['explain', '--prompt', file], { env });
    assert.equal(asked.code, 2, asked.stderr);
    assert.match(asked.stderr, /the input ended before a secret was typed/);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  assert.match((await runWaybill(['explain', '--help'])).stdout, /Exit codes:\n {2}0 /);
});
