import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkBucketName } from '../../config/bucket-name.ts';
import { checkCron, checkTimezone } from '../../config/check-cron.ts';
import { isLoopbackHost, parseListenAddress, printListenAddress } from '../../config/listen-address.ts';
import { parseConfig } from '../../config/load-config.ts';
import { parseDurationMs } from '../../config/parse-duration.ts';
import { parseSizeBytes } from '../../config/parse-size.ts';
import { isWaybillError } from '../../core/failures.ts';

const natural = fc.nat({ max: 100_000 });

test('a duration is the same in every unit that can hold it', () => {
  fc.assert(
    fc.property(natural, (n) => {
      assert.equal(parseDurationMs(n), n * 1000);
      assert.equal(parseDurationMs(`${n}s`), n * 1000);
      assert.equal(parseDurationMs(`${n}m`), parseDurationMs(`${n * 60}s`));
      assert.equal(parseDurationMs(`${n}h`), parseDurationMs(`${n * 60}m`));
      assert.equal(parseDurationMs(`${n}d`), parseDurationMs(`${n * 24}h`));
      assert.equal(parseDurationMs(`${n}ms`), n);
    }),
  );
  assert.equal(parseDurationMs('1.5h'), 5_400_000);
});

test('a size with an i counts in 1,024s, one without in 1,000s', () => {
  fc.assert(
    fc.property(natural, (n) => {
      assert.equal(parseSizeBytes(`${n}KiB`), n * 1024);
      assert.equal(parseSizeBytes(`${n} MiB`), n * 1024 ** 2);
      assert.equal(parseSizeBytes(`${n}kB`), n * 1000);
      assert.equal(parseSizeBytes(`${n}GB`), n * 1e9);
      assert.equal(parseSizeBytes(n), n);
    }),
  );
});

test('an address that is printed is read back the same', () => {
  const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constant('gateway.internal'));
  fc.assert(
    fc.property(host, fc.nat({ max: 65_535 }), (host, port) => {
      assert.deepEqual(parseListenAddress(printListenAddress({ host, port })), { host, port });
    }),
  );
});

test('only the addresses of this machine count as loopback', () => {
  for (const host of ['localhost', 'LOCALHOST', '127.0.0.1', '127.9.9.9', '::1', '[::1]'])
    assert.ok(isLoopbackHost(host), host);
  for (const host of [
    '0.0.0.0',
    '::',
    '10.0.0.1',
    '127.0.0.1.evil.com',
    'localhost.evil.com',
    '127',
    '::ffff:10.0.0.1',
    '',
  ]) {
    assert.ok(!isLoopbackHost(host), host);
  }
});

test('cron expressions are read as Temporal reads them', () => {
  for (const cron of [
    '* * * * *',
    '*/5 0-23/2 1,15 jan-Dec SUN-sat',
    '0 0 1 2/5 7',
    '0 0 * * mo',
    '0 0 1 1 * 2030',
    '30 0 0 1 1 * 2030/2',
  ]) {
    assert.equal(checkCron(cron), null, cron);
  }
  for (const cron of [
    '',
    '* * * *',
    '60 * * * *',
    '* 24 * * *',
    '* * 0 * *',
    '* * * 13 *',
    '* * * * 8',
    '5-1 * * * *',
    '*/0 * * * *',
  ]) {
    assert.notEqual(checkCron(cron), null, cron);
  }
  for (const cron of [
    '@daily',
    'TZ=UTC 0 0 * * *',
    '1,,2 * * * *',
    '? * * * *',
    '* * * ja *',
    '1-2-3 * * * *',
    '1/2/3 * * * *',
  ]) {
    assert.notEqual(checkCron(cron), null, cron);
  }
});

test('time zones are names, not offsets', () => {
  for (const zone of ['UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires', 'Etc/GMT+5'])
    assert.equal(checkTimezone(zone), null);
  for (const zone of ['', '+01:00', 'europe/berlin', 'Mars/Olympus', 'Europe/Berlin\n'])
    assert.notEqual(checkTimezone(zone), null);
});

test("bucket names follow S3's rules", () => {
  for (const name of ['abc', 'a-b.c', '0a0', 'a'.repeat(63)]) assert.equal(checkBucketName(name), null, name);
  for (const name of [
    'ab',
    'a'.repeat(64),
    'Abc',
    '-ab',
    'ab-',
    'a..b',
    'a.-b',
    'a_b',
    '10.0.0.1',
    'a/b',
    '../x',
    'ab\n',
  ]) {
    assert.notEqual(checkBucketName(name), null, name);
  }
});

test('whatever the file holds, it is read or refused as invalid_config, and nothing else happens', () => {
  const word = fc.constantFrom(
    'stores',
    'a',
    'directory',
    'endpoint',
    '/x',
    'pipelines',
    'source',
    'store',
    'bucket',
    'abc',
    '__proto__',
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5 },
      fc.oneof(word, fc.integer(), fc.boolean(), fc.constant(null)),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(word, tie('tree'), { maxKeys: 4 }),
    ),
  }));
  const section = fc.constantFrom('stores', 'pipelines', 'gateway', 'worker', 'api', 'database', 'temporal');
  const text = fc.oneof(
    fc.string(),
    tree.map((value) => JSON.stringify(value) ?? ''),
    fc.dictionary(section, tree).map((value) => JSON.stringify({ stores: { a: { directory: '/x' } }, ...value })),
  );
  fc.assert(
    fc.property(text, (text) => {
      try {
        parseConfig(text, { file: 'f', env: {} });
      } catch (error) {
        assert.ok(isWaybillError(error), String(error));
        assert.equal(error.type, 'invalid_config');
      }
    }),
    { numRuns: 300 },
  );
});
