import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GiB } from '../../core/limits.ts';
import { priceTraffic, toAvoidedTraffic, toCosts } from '../../core/money.ts';
import type { StorePrices } from '../../core/money.ts';
import { OPERATIONS } from '../../core/traffic.ts';

const PRICES = new Map<string, StorePrices>([
  ['aws', { currency: 'USD', perThousandWrites: 5, perThousandReads: 0.4, perGibOut: 0.09 }],
  ['oss', { currency: 'CNY', perThousandWrites: 0.01, perThousandReads: 0.01, perGibOut: 0.5 }],
]);
const asked = (requests: number, bytesIn = 0, bytesOut = 0) => ({ requests, bytesIn, bytesOut });

test('writes and lists, reads, and bytes that leave a store are paid for; bytes that enter it are not', () => {
  const price = (traffic: Record<string, ReturnType<typeof asked>>) => priceTraffic(traffic, PRICES);
  assert.deepEqual(price({ 'aws/PutObject': asked(1000, 0, 7 * GiB) }), [{ currency: 'USD', amount: 5 }]);
  assert.deepEqual(price({ 'aws/ListObjectsV2': asked(200) }), [{ currency: 'USD', amount: 1 }]);
  assert.deepEqual(price({ 'aws/HeadObject': asked(1000) }), [{ currency: 'USD', amount: 0.4 }]);
  assert.deepEqual(price({ 'aws/GetObject': asked(1000, 10 * GiB) }), [{ currency: 'USD', amount: 1.3 }]);
  assert.deepEqual(price({ 'aws/DeleteObject': asked(9), 'aws/AbortMultipartUpload': asked(9) }), [
    { currency: 'USD', amount: 0 },
  ]);
});

test('exactly deletions and aborts are free', () => {
  const free = OPERATIONS.filter(
    (operation) => priceTraffic({ [`aws/${operation}`]: asked(1) }, PRICES)[0]?.amount === 0,
  );
  assert.deepEqual(
    free,
    OPERATIONS.filter((operation) => /^(Delete|Abort)/.test(operation)),
  );
  assert.ok(free.length > 0 && free.length < OPERATIONS.length);
});

test('each currency has its own sum, and an unknown store costs nothing', () => {
  const traffic = {
    'oss/PutObject': asked(1000),
    'aws/GetObject': asked(1000),
    'aws/PutObject': asked(3),
    'gone/PutObject': asked(5),
  };
  assert.deepEqual(priceTraffic(traffic, PRICES), [
    { currency: 'CNY', amount: 0.01 },
    { currency: 'USD', amount: 0.415 },
  ]);
  assert.deepEqual(priceTraffic({}, PRICES), []);
});

test('an operation that is not known is not free', () => {
  assert.deepEqual(priceTraffic({ 'aws/SelectObjectContent': asked(1000) }, PRICES), [{ currency: 'USD', amount: 5 }]);
});

test('a skipped object avoids one GetObject and one PutObject with its bytes', () => {
  const avoided = toAvoidedTraffic({
    skippedObjects: 1000,
    skippedBytes: 2 * GiB,
    sourceStore: 'aws',
    targetStore: 'oss',
  });
  assert.deepEqual(avoided, { 'aws/GetObject': asked(1000, 2 * GiB), 'oss/PutObject': asked(1000, 0, 2 * GiB) });
  assert.deepEqual(
    toAvoidedTraffic({ skippedObjects: 0, skippedBytes: 0, sourceStore: 'aws', targetStore: 'oss' }),
    {},
  );
  assert.deepEqual(toCosts({ 'aws/ListObjectsV2': asked(1) }, avoided, PRICES), [
    { currency: 'CNY', spent: 0, avoided: 0.01 },
    { currency: 'USD', spent: 0.005, avoided: 0.58 },
  ]);
});

test('within one store a skipped object avoids a copy by the store and what is asked around it', () => {
  const skipped = { skippedObjects: 1000, skippedBytes: 2 * GiB, sourceStore: 'aws', targetStore: 'aws' };
  const avoided = toAvoidedTraffic(skipped);
  assert.deepEqual(avoided, { 'aws/CopyObject': asked(1000), 'aws/HeadObject': asked(2000) });
  assert.deepEqual(priceTraffic(avoided, PRICES), [{ currency: 'USD', amount: 5.8 }]);
});
