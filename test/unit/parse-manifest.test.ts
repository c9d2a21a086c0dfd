import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ETag } from '../../core/ids.ts';
import { parseDescriptors } from '../../manifest/parse-descriptors.ts';
import { parseManifest } from '../../manifest/parse-manifest.ts';
import { printDescriptor } from '../../manifest/print-descriptor.ts';

const OBJECT = '{"bucket":"b","etag":"e","key":"k","size":1}';
const manifest = (objects: string, tail = '"run_id":"r","schema":"etl/manifest/v1"}'): string =>
  `{"objects":[${objects}],${tail}`;
const parse = (text: string) => parseManifest(Buffer.from(text));
const descriptor = (more: { key?: string; etag?: string; sizeBytes?: number }) => ({
  bucket: 'b',
  etag: (more.etag ?? 'e') as ETag,
  key: more.key ?? 'k',
  sizeBytes: more.sizeBytes ?? 1,
});

test('a manifest whose objects are not canonical, sorted and single is refused', () => {
  assert.equal(parse(manifest(OBJECT)).objects.length, 1);
  const refused: readonly string[] = [
    '',
    '{}',
    manifest(OBJECT).slice(0, -1),
    `${manifest(OBJECT)}\n`,
    ` ${manifest(OBJECT)}`,
    manifest(OBJECT, '"schema":"etl/manifest/v1","run_id":"r"}'),
    manifest(OBJECT, '"run_id":"r","schema":"etl/manifest/v2"}'),
    manifest(`${OBJECT},${OBJECT}`),
    manifest(`${OBJECT},`),
    manifest(`${OBJECT.replace('"k"', '"l"')},${OBJECT}`),
    manifest(OBJECT.replace('"size":1', '"size": 1')),
    manifest(OBJECT.replace('"size":1', '"size":1.0')),
    manifest(OBJECT.replace('"size":1', '"size":-1')),
    manifest(OBJECT.replace('"size":1', '"size":9007199254740993')),
    manifest(OBJECT.replace('"k"', '"\\u006b"')),
    manifest('{"etag":"e","bucket":"b","key":"k","size":1}'),
    manifest(OBJECT.replace('}', ',"storage_class":"GLACIER"}')),
    manifest('{"bucket":"b","etag":"e","key":"k"}'),
    manifest('null'),
  ];
  for (const text of refused) assert.throws(() => parse(text), { type: 'invalid_manifest_line' }, text);
  assert.throws(() => parse(manifest(OBJECT, '"run_id":"a b","schema":"etl/manifest/v1"}')), {
    type: 'invalid_run_id',
  });
});

test('bytes that are not UTF-8 are refused, not replaced', () => {
  const bytes = Buffer.from(manifest(OBJECT.replace('"k"', '"\u00e9"')));
  bytes[bytes.indexOf(0xa9)] = 0x41;
  assert.throws(() => parseManifest(bytes), { type: 'invalid_manifest_line' });
});

test('a key that looks like the end of a manifest is only a key', () => {
  const key = '],"run_id":"r","schema":"etl/manifest/v1"}';
  const printed = printDescriptor(descriptor({ key }));
  assert.equal(parse(manifest(printed)).objects[0]?.key, key);
});

test('a size that is not an integer from 0 to 2^53 - 1 is never printed', () => {
  for (const sizeBytes of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
    assert.throws(() => printDescriptor(descriptor({ sizeBytes })), { type: 'invalid_manifest_line' });
  }
  assert.match(printDescriptor(descriptor({ sizeBytes: -0 })), /"size":0}$/);
});

test('a lone surrogate is refused wherever it stands, and the text of its escape is not', () => {
  assert.throws(() => printDescriptor(descriptor({ key: 'a\ud800' })), { type: 'unsupported_key' });
  assert.throws(() => printDescriptor(descriptor({ key: '\udc00\ud800' })), { type: 'unsupported_key' });
  assert.throws(() => printDescriptor(descriptor({ etag: '\udfff' })), { type: 'invalid_manifest_line' });
  assert.equal(parseDescriptors(Buffer.from(printDescriptor(descriptor({ key: '\\ud800' }))))[0]?.key, '\\ud800');
});
