/** Configuration files of clients, as their owners read them, and what is left in them of Signature Version 2. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { findFlaw } from '../../doctor/check-credentials.ts';
import { findLeftovers } from '../../doctor/check-sigv2.ts';
import { findCredentials } from '../../doctor/find-credentials.ts';
import { findProxy } from '../../doctor/find-proxy.ts';
import { readClientSettings } from '../../doctor/read-client-settings.ts';
import { findProfile, parseSections } from '../../doctor/read-profiles.ts';

const AWS = `# of the machine
[default]
region = eu-west-1   ; the near one
s3 =
    signature_version = s3
    addressing_style = path
output = json

[profile old]\r
aws_access_key_id=AKIDOLD
aws_secret_access_key = abc=def/+
s3=
  signature_version=s3v4
`;

test('nested settings belong to their key, comments and carriage returns to nobody, and a value may hold an equals sign', () => {
  const sections = parseSections(AWS);
  assert.deepEqual(
    [...(findProfile(sections, 'default') ?? [])],
    [
      ['region', 'eu-west-1'],
      ['s3', ''],
      ['s3.signature_version', 's3'],
      ['s3.addressing_style', 'path'],
      ['output', 'json'],
    ],
  );
  assert.equal(findProfile(sections, 'old')?.get('aws_secret_access_key'), 'abc=def/+');
  assert.equal(findProfile(sections, 'none'), null);
});

test('each client has its own word for Signature Version 2, and v4 is no leftover', () => {
  const find = (client: Parameters<typeof findLeftovers>[0]['client'], text: string): string[] =>
    findLeftovers({ client, text, sections: parseSections(text) }).map(
      ({ section, setting }) => `${section}:${setting}`,
    );
  assert.deepEqual(find('aws', AWS), ['default:s3.signature_version']);
  assert.deepEqual(find('s3cmd', '[default]\nsignature_v2 = True\n'), ['default:signature_v2']);
  assert.deepEqual(find('s3cmd', '[default]\nsignature_v2 = False\n'), []);
  assert.deepEqual(find('rclone', '[ceph]\ntype = s3\nv2_auth = true\n[new]\nv2_auth = false\n'), ['ceph:v2_auth']);
  assert.deepEqual(find('boto2', '[s3]\nuse-sigv4 = False\n'), ['s3:use-sigv4']);
  assert.deepEqual(find('mc', '{"aliases":{"a":{"api":"S3v2"},"b":{"api":"S3v4"}}}'), [':"api"']);
});

test('the source that wins, and the others, by name', async () => {
  const home = await mkdtemp(path.join(tmpdir(), 'waybill-profiles-'));
  try {
    const credentials = path.join(home, 'credentials');
    await writeFile(
      credentials,
      '[default]\naws_access_key_id = AKIDFILE\naws_secret_access_key = secret-of-the-file\n',
    );
    const env = { HOME: home, AWS_SHARED_CREDENTIALS_FILE: credentials, AWS_EC2_METADATA_DISABLED: 'true' };
    const settings = await readClientSettings(env);
    assert.deepEqual(settings.secrets, ['secret-of-the-file']);
    const fromFile = await findCredentials(null, env, settings);
    assert.equal(fromFile.raw?.accessKeyId, 'AKIDFILE');
    const both = { ...env, AWS_ACCESS_KEY_ID: 'AKIDENV', AWS_SECRET_ACCESS_KEY: 'secret-of-the-environment' };
    const fromEnv = await findCredentials(null, both, settings);
    assert.equal(fromEnv.winner, 'environment');
    assert.equal(fromEnv.raw?.accessKeyId, 'AKIDENV');
    assert.match(fromEnv.others.join(), /profile default of .*credentials \(aws_access_key_id\)/);
  } finally {
    await rm(home, { recursive: true });
  }
});

test('what a copy leaves behind is seen, and a clean value is not accused', () => {
  for (const [value, flaw] of [
    ['x\n', 'ends with a newline'],
    [' x', 'begins or ends with a blank'],
    ['"x"', 'stands in quotes'],
    ['a\u00a0b', 'has a character in it that is no visible ASCII'],
  ] as const)
    assert.equal(findFlaw(value), flaw);
  assert.equal(findFlaw('wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY='), null);
});

test('the proxy of the environment, and whom NO_PROXY excepts', () => {
  const env = { HTTPS_PROXY: 'http://user:pass@proxy:3128', NO_PROXY: '.internal,localhost' };
  assert.equal(findProxy(new URL('https://s3.example'), env)?.kind, 'connect');
  assert.equal(findProxy(new URL('https://s3.internal'), env), null);
  assert.equal(findProxy(new URL('http://s3.example'), env), null);
});
