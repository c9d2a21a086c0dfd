import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compareUtf8 } from '../../core/utf8-order.ts';
import type { Store } from '../../stores/store.ts';
import { toBody } from '../support/store-bytes.ts';
import { drain } from '../support/store-drain.ts';
import { assertFails } from '../support/store-failure.ts';
import type { Subject } from './store-contract.ts';

const NONE = { metadata: {} };

/** Each was mishandled by some store or client. */
export const NASTY_KEYS: readonly string[] = [
  ...['a', 'a/', 'a/b', 'a//b', '/', '//', '/lead', './x', '.', '..', '../x', 'a/../b', 'a/./b', '../../etc/passwd'],
  ...['Case', 'case', 'CASE', 'caf\u00e9', 'cafe\u0301', '\u212b', '\u00c5', 'index', 'data/00', 'tmp'],
  ...['%2F', '%2f', '%', '%25', '%00', '100%', 'a+b', 'a b', ' lead', 'trail ', '  ', '+', 'a%20b'],
  ...[
    '"quoted"',
    "'single'",
    'back\\slash',
    '\\',
    '<tag>',
    '<&>',
    '&amp;',
    ']]>',
    'a?b=c',
    'a#b',
    'a;b',
    'a=b&c=d',
    'a:b@c',
  ],
  ...['a,b', '*', '$(x)', '`x`', '{a}', '~', '!', '(x)', '[x]', '|', '^', 'con', 'nul.txt', 'a.', 'a\u00a0b'],
  ...[
    '\u0001',
    'tab\there',
    'line\nbreak',
    'cr\rhere',
    '\u001f',
    '\u007f',
    'a\u007fb',
    '\u0085',
    '\u2028',
    '\ufeffbom',
  ],
  ...[
    '\u{1F600}',
    '\u{10FFFF}',
    '\uFFFD',
    '\uE000',
    '\uFFFF',
    '\uD7FF',
    '\u4e2d\u6587',
    '\u0627\u0644',
    'e\u0301\u0301',
  ],
  ...['x'.repeat(1024), `${'y/'.repeat(511)}zz`, '\u00fc'.repeat(512), '\u{1F600}'.repeat(256), `${'z'.repeat(1023)}/`],
];

async function listAll(store: Store, bucket: string): Promise<string[]> {
  const keys: string[] = [];
  let token: string | undefined;
  do {
    const page = await store.list({
      bucket,
      maxKeys: 37,
      ...(token === undefined ? {} : { continuationToken: token }),
    });
    keys.push(...page.objects.map((object) => object.key));
    token = page.nextContinuationToken;
  } while (token !== undefined);
  return keys;
}

export function describeKeys(subject: Subject): void {
  describe('keys', () => {
    it('every nasty key is stored, read and listed back unchanged, in UTF-8 byte order', async () => {
      const { store } = subject;
      const bucket = await subject.freshBucket();
      for (const key of NASTY_KEYS) {
        await store.put({ bucket, key, headers: NONE }, toBody(Buffer.from(`bytes of ${key}`)));
      }
      for (const key of NASTY_KEYS) {
        const { body } = await store.get({ bucket, key });
        assert.equal((await drain(body)).toString(), `bytes of ${key}`, JSON.stringify(key));
      }
      const expected = NASTY_KEYS.toSorted(compareUtf8);
      assert.deepEqual(
        expected,
        NASTY_KEYS.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
      );
      assert.deepEqual(await listAll(store, bucket), expected);
      for (const key of NASTY_KEYS) {
        const page = await store.list({ bucket, startAfter: key, maxKeys: 1 });
        assert.equal(page.objects[0]?.key, expected[expected.indexOf(key) + 1], JSON.stringify(key));
      }
    });

    it('deleting a key deletes no other', async () => {
      const { store } = subject;
      const bucket = await subject.freshBucket();
      const keys = ['a', 'a/', 'a/b', 'A', 'caf\u00e9', 'cafe\u0301', '%2F', '/', '..', '.'];
      for (const key of keys) {
        await store.put({ bucket, key, headers: NONE }, toBody(Buffer.from('x')));
      }
      for (const key of [...keys]) {
        await store.delete({ bucket, key });
        keys.splice(keys.indexOf(key), 1);
        assert.deepEqual(await listAll(store, bucket), keys.toSorted(compareUtf8));
      }
    });

    it('a key above 1,024 bytes, an empty one and one without a UTF-8 form are refused by every operation', async () => {
      const { store, bucket } = subject;
      const bad: readonly (readonly [string, string | undefined])[] = [
        ['x'.repeat(1025), 'KeyTooLongError'],
        ['\u00fc'.repeat(513), 'KeyTooLongError'],
        ['lone \ud800 surrogate', undefined],
        ['\udc00', undefined],
        ['', undefined],
      ];
      for (const [key, s3Code] of bad) {
        await assertFails(store.put({ bucket, key, headers: NONE }, toBody(Buffer.from('x'))), 'store_refused', s3Code);
        await assertFails(store.get({ bucket, key }), 'store_refused', s3Code);
        await assertFails(store.delete({ bucket, key }), 'store_refused', s3Code);
        await assertFails(store.createUpload({ bucket, key, headers: NONE }), 'store_refused', s3Code);
      }
    });
  });
}
