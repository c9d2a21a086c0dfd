/** The target that is served is the target that was signed: any key survives one encoding and one decoding, and nothing folds it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isWellFormed } from '../../core/utf8-order.ts';
import { parseTarget } from '../../gateway/request/parse-target.ts';
import { buildCanonicalUri } from '../../sigv4/canonical-uri.ts';
import { encodePath } from '../../sigv4/encode.ts';

const key = fc
  .oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }),
    fc
      .array(fc.constantFrom('.', '..', '/', '//', '\\', '%2F', '%', '+', ' ', '\u0000', 'a', 'é'), {
        minLength: 1,
        maxLength: 12,
      })
      .map((parts) => parts.join('')),
  )
  .filter(isWellFormed);

test('a key that is encoded once is decoded to itself, and signed as the path that is served', () => {
  fc.assert(
    fc.property(key, (text) => {
      const { target, path } = parseTarget('GET', `/bucket/${encodeURIComponent(text)}`);
      assert.deepEqual([target?.bucket, target?.key, target?.operation], ['bucket', text, 'GetObject']);
      assert.equal(buildCanonicalUri(path, 's3'), `/bucket/${encodePath(text)}`);
    }),
  );
});

test('whatever comes as a target, it is served as one bucket and one key or refused with a 4xx or 501, never an exception of ours', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('GET', 'PUT', 'POST', 'DELETE', 'HEAD', 'BREW'),
      fc.string({ unit: 'binary' }),
      (method, text) => {
        try {
          const { target, refusal } = parseTarget(method, `/${text}`);
          assert.equal(target === null, refusal !== null);
          if (target !== null)
            assert.ok(!target.bucket.includes('/') && target.bucket !== '..' && target.bucket !== '.');
        } catch (error) {
          assert.match(
            String((error as { details?: Record<string, unknown> }).details?.['s3Code']),
            /^(Invalid(URI|Argument|BucketName)|KeyTooLongError)$/,
          );
        }
      },
    ),
  );
});

test('every parameter that an operation does not know makes the request one that is not offered', () => {
  for (const name of [
    'acl',
    'policy',
    'lifecycle',
    'cors',
    'torrent',
    'retention',
    'legal-hold',
    'select',
    'restore',
    'renameObject',
    'annotation',
  ]) {
    for (const method of ['GET', 'PUT', 'POST', 'DELETE', 'HEAD']) {
      for (const path of ['/bucket', '/bucket/key', '/']) {
        assert.equal(parseTarget(method, `${path}?${name}`).target, null, `${method} ${path}?${name}`);
      }
    }
  }
});
