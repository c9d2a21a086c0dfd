import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLine } from '../../cli/manifest/parse-line.ts';
import { readLines } from '../../cli/manifest/read-lines.ts';
import { sortInput } from '../../cli/manifest/sort-input.ts';

async function read(...chunks: (string | Buffer)[]): Promise<string[]> {
  async function* input(): AsyncGenerator<Uint8Array> {
    for (const chunk of chunks) yield Buffer.from(chunk);
  }
  const all: string[] = [];
  for await (const lines of readLines(input())) all.push(...lines);
  return all;
}

const refused = (message: RegExp) => ({ type: 'invalid_manifest_line', message });

test('lines come whole wherever the bytes are cut, blank ones too, the last one with or without its end', async () => {
  const euro = Buffer.from('\u20ac');
  assert.deepEqual(
    await read('a\n\nb', Buffer.concat([Buffer.from('c'), euro.subarray(0, 1)]), euro.subarray(1), '\nd\n'),
    ['a', '', 'bc\u20ac', 'd'],
  );
  assert.deepEqual(await read('a', 'b'), ['ab']);
  assert.deepEqual(await read(), []);
});

test('a byte order mark is no part of the first line', async () => {
  assert.deepEqual(await read('\ufeffa\n\ufeffb\n'), ['a', '\ufeffb']);
});

test('bytes that are not UTF-8 are refused by the number of their line', async () => {
  await assert.rejects(read('a\nb\n', Buffer.from([0x63, 0x0a, 0xff, 0x0a])), refused(/^line 4 is not valid UTF-8/));
  await assert.rejects(read(Buffer.from([0xc3])), refused(/^line 1 is not valid UTF-8/));
});

test('a line without end is refused before it fills the memory', async () => {
  const piece = 'x'.repeat(512 * 1024);
  await assert.rejects(read(piece, piece, piece), refused(/longer than 1 MiB/));
});

test('a line that does not parse is refused with its number and what was expected there', () => {
  const good = { bucket: 'b', key: 'k', size: 1, etag: 'e' };
  const cases: readonly (readonly [line: string, expected: RegExp])[] = [
    ['{"bucket":', /^line 7: expected one JSON object/],
    ['[]', /^line 7: expected a JSON object, got \[\]/],
    ['null', /expected a JSON object, got null/],
    [JSON.stringify({ ...good, bucket: undefined }), /expected "bucket" .* got nothing/],
    [JSON.stringify({ ...good, key: '' }), /expected "key" .* got ""/],
    [JSON.stringify({ ...good, size: '1' }), /expected "size" .* got "1"/],
    [JSON.stringify({ ...good, size: -1 }), /expected "size" .* got -1/],
    [JSON.stringify({ ...good, size: 1.5 }), /expected "size" .* got 1.5/],
    ['{"bucket":"b","key":"k","size":9007199254740993,"etag":"e"}', /expected "size"/],
    [JSON.stringify({ ...good, etag: null }), /expected "etag" .* got null/],
    [JSON.stringify({ ...good, version_id: 3 }), /expected "version_id" .* got 3/],
    ['{"bucket":"b","key":"\\ud800","size":1,"etag":"e"}', /^line 7: the key holds a lone surrogate/],
  ];
  for (const [line, message] of cases) assert.throws(() => parseLine(line, 7), refused(message), line);
  assert.equal(
    parseLine(JSON.stringify({ ...good, version_id: null, owner: 'x' }), 1).printed,
    '{"bucket":"b","etag":"e","key":"k","size":1}',
  );
});

test('two lines for one object are refused with both numbers, also when they are equal', async () => {
  const line = (key: string, more = {}) => JSON.stringify({ bucket: 'b', key, size: 1, etag: 'e', ...more });
  const sort = async (...lines: string[]): Promise<void> => {
    async function* input(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(lines.join('\n'));
    }
    const never = () => Promise.reject(new Error('a scratch file for three lines'));
    for await (const _ of sortInput(input(), never));
  };
  await assert.rejects(sort(line('k'), line('a'), line('k')), refused(/^line 3: .* line 1 has this one already/));
  await assert.rejects(sort(line('k'), '', line('k', { size: 2 })), refused(/^line 3: .* line 1 /));
  await sort(line('k'), line('k', { version_id: 'v1' }), line('k', { version_id: 'v2' }));
});
