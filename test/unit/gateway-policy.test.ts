import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { GatewayOperation } from '../../config/config.ts';
import { OPERATIONS } from '../../core/traffic.ts';
import type { Operation } from '../../core/traffic.ts';
import type { Target } from '../../gateway/backend.ts';
import { authorize } from '../../gateway/keys/policy.ts';
import type { Policy } from '../../gateway/keys/policy.ts';

const RIGHTS: readonly GatewayOperation[] = ['list', 'read', 'write', 'delete', 'admin'];
const toPolicy = (more: Partial<Policy> = {}): Policy => ({
  operations: new Set(RIGHTS),
  buckets: [],
  prefixes: [],
  ...more,
});
const toTarget = (operation: Operation, bucket = 'b', key = '', query: Record<string, string> = {}): Target => ({
  operation,
  bucket: operation === 'ListBuckets' ? '' : bucket,
  key,
  query: new Map(Object.entries(query)),
});
const isAllowed = (policy: Policy, target: Target): boolean => authorize(policy, target).ok;

describe('the policy of a workload key', () => {
  it('denies every operation without a right, and each right grants its own operations only', () => {
    for (const operation of OPERATIONS) {
      const target = toTarget(operation, 'b', 'k');
      assert.equal(isAllowed(toPolicy({ operations: new Set() }), target), false, operation);
      assert.equal(isAllowed(toPolicy(), target), true, operation);
      const granting = RIGHTS.filter((right) => isAllowed(toPolicy({ operations: new Set([right]) }), target));
      assert.equal(granting.length, 1, `${operation} takes one right`);
    }
    assert.equal(isAllowed(toPolicy(), toTarget('PutBucketPolicy' as Operation)), false);
    assert.equal(isAllowed(toPolicy(), toTarget('constructor' as Operation)), false);
  });

  it('takes every step of a multipart upload for a write', () => {
    const writer = toPolicy({ operations: new Set(['write']) });
    const reader = toPolicy({ operations: new Set(['read', 'list', 'delete', 'admin']) });
    const steps = OPERATIONS.filter((operation) => /Multipart|Part/.test(operation));
    assert.equal(steps.length, 7);
    for (const operation of steps) {
      assert.equal(isAllowed(writer, toTarget(operation, 'b', 'k')), true, operation);
      assert.equal(isAllowed(reader, toTarget(operation, 'b', 'k')), false, operation);
    }
  });

  it('lists all buckets only for keys that may use all', () => {
    assert.equal(isAllowed(toPolicy(), toTarget('ListBuckets')), true);
    assert.equal(isAllowed(toPolicy({ buckets: ['b'] }), toTarget('ListBuckets')), false);
  });

  it('compares buckets whole: a name that starts with an allowed one is another bucket', () => {
    const policy = toPolicy({ buckets: ['b'] });
    assert.equal(isAllowed(policy, toTarget('GetObject', 'b', 'k')), true);
    assert.equal(isAllowed(policy, toTarget('GetObject', 'bb', 'k')), false);
    assert.equal(isAllowed(policy, toTarget('GetObject', 'B', 'k')), false);
  });

  it('refuses a listing whose prefix is wider than the allowed ones', () => {
    const policy = toPolicy({ prefixes: ['in/', 'tmp'] });
    for (const operation of ['ListObjectsV2', 'ListObjects', 'ListObjectVersions', 'ListMultipartUploads'] as const) {
      assert.equal(isAllowed(policy, toTarget(operation, 'b', '', { prefix: 'in/a' })), true);
      assert.equal(isAllowed(policy, toTarget(operation, 'b', '', { prefix: 'tmp' })), true);
      assert.equal(isAllowed(policy, toTarget(operation, 'b', '', { prefix: 'in' })), false);
      assert.equal(isAllowed(policy, toTarget(operation, 'b', '', { prefix: '' })), false);
      assert.equal(isAllowed(policy, toTarget(operation, 'b')), false);
    }
  });

  it('keeps a key with prefixes away from whole buckets and from deletions that name their keys in the body', () => {
    const policy = toPolicy({ prefixes: ['in/'] });
    for (const operation of ['CreateBucket', 'DeleteBucket', 'DeleteObjects'] as const) {
      assert.equal(isAllowed(policy, toTarget(operation)), false, operation);
    }
    assert.equal(isAllowed(policy, toTarget('HeadBucket')), true);
  });

  it('takes dots for letters as long as no way to fold them leads out of the prefix', () => {
    for (const prefix of ['in/', 'in/a']) {
      const policy = toPolicy({ prefixes: [prefix] });
      for (const key of ['in/a/../a/b', 'in/ab/./c', 'in/ab/x/../y', 'in/a...b', 'in/ab//c/../d', 'in/ab\\c']) {
        const isIn = key !== 'in/a/../a/b' || prefix === 'in/';
        assert.equal(isAllowed(policy, toTarget('PutObject', 'b', key)), isIn, `${prefix} ${key}`);
      }
      for (const key of [
        'in/..',
        'in/a/..',
        'in/../out/x',
        'in/a/../../out',
        'in/a//../../out',
        'in/a/./../../in/a',
        'in/a\\..\\..\\out',
        'in/a\\b/../../out',
        '../in/a',
        './in/a',
      ]) {
        assert.equal(isAllowed(policy, toTarget('PutObject', 'b', key)), false, `${prefix} ${key}`);
      }
    }
    const within = toPolicy({ prefixes: ['in/a'] });
    assert.equal(
      isAllowed(within, toTarget('GetObject', 'b', 'in/ab/../x')),
      false,
      'the segment that is covered is left',
    );
    assert.equal(isAllowed(toPolicy({ prefixes: ['in/../a/'] }), toTarget('GetObject', 'b', 'in/../a/./b')), false);
  });

  it('property: whatever is allowed under prefixes starts with one and stays there when dots are folded', () => {
    const segment = fc.constantFrom('in', 'out', '.', '..', '', 'x', '...', '..x');
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 8 }), fc.constantFrom(...OPERATIONS), (segments, operation) => {
        const key = segments.join('/');
        const query = { prefix: key };
        if (!isAllowed(toPolicy({ prefixes: ['in/'] }), toTarget(operation, 'b', key, query))) return;
        if (/^(HeadBucket|GetBucketLocation|GetBucketVersioning|ListBuckets)$/.test(operation)) return;
        assert.ok(key.startsWith('in/'));
        if (/^List(Object|Multipart)/.test(operation)) return;
        assert.ok(new URL(`http://h/${key}`).pathname.startsWith('/in/'), key);
        assert.ok(path.posix.normalize(`/${key}`).startsWith('/in/'), key);
      }),
    );
  });
});
