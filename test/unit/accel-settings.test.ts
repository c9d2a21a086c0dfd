/** The settings of X-Accel-Redirect, as the configuration and the command line take them; what they do is in store-accel.test.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAccelMetadata, parseAccelPrefix } from '../../config/accel-settings.ts';
import { parseConfig } from '../../config/load-config.ts';
import type { StoreConfig } from '../../config/config.ts';
import { buildStoreCommand } from '../../cli/store.ts';

const parse = (fields: string): StoreConfig | undefined =>
  parseConfig(`stores:\n  a: { ${fields} }\n`, { file: '/etc/waybill/waybill.yaml', env: {} }).stores.get('a');

test('a directory hands objects over only where it is configured', () => {
  const bare = parse('directory: /srv/a');
  assert.ok(bare?.kind === 'directory');
  assert.equal(bare.accel, undefined);
  const store = parse('directory: /srv/a, accel_redirect: /.waybill, accel_metadata: [MD5, x-amz-meta-mtime]');
  assert.ok(store?.kind === 'directory');
  assert.deepEqual(store.accel, { prefix: '/.waybill/', metadata: ['md5', 'mtime'] });
});

test('a provider, a prefix that is no path, and names without a prefix are refused', () => {
  for (const [fields, message] of [
    ["endpoint: 'https://s3.example.com', accel_redirect: /x/", /accel_redirect: only a directory has this field/],
    ['directory: /srv/a, accel_redirect: x', /accel_redirect: expected a path/],
    ['directory: /srv/a, accel_metadata: [md5]', /accel_metadata: expected accel_redirect beside it/],
    ["directory: /srv/a, accel_redirect: /x/, accel_metadata: ['a b']", /accel_metadata\[?.?0\]?: expected a name/],
  ] as const) {
    assert.throws(() => parse(fields), { type: 'invalid_config', message }, fields);
  }
});

test('what could mean another path or another header in nginx is no prefix and no name', () => {
  assert.equal(parseAccelPrefix('/a/b'), '/a/b/');
  for (const text of ['', '/', '//', '/a//b/', '/../', '/a/./', '/a b/', '/a%2f/', '/a?b/', '/a\r\nX: y/', '@named']) {
    assert.equal(parseAccelPrefix(text), null, JSON.stringify(text));
  }
  for (const text of ['', 'a b', 'a:b', 'a\r\nb', 'ü', '$x']) assert.equal(parseAccelMetadata(text), null, text);
});

test('the command takes the same words', () => {
  const command = buildStoreCommand()
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  const options = [
    '--root',
    '/srv/a',
    '--listen',
    '127.0.0.1:0',
    '--accel-metadata',
    'MD5',
    '--accel-metadata',
    'mtime',
  ];
  command.parseOptions([...options, '--accel-redirect', '/.waybill']);
  assert.deepEqual(
    [command.opts()['accelRedirect'], command.opts()['accelMetadata']],
    ['/.waybill/', ['md5', 'mtime']],
  );
  assert.throws(() => command.parseOptions(['--accel-redirect', 'relative']), { code: 'commander.invalidArgument' });
});
