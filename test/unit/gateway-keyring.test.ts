/** Whose key an access key id is, when, and from where. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { SecretRef, WorkloadKey } from '../../config/config.ts';
import { isNetwork, toBlockList } from '../../config/network.ts';
import { parseInstant } from '../../config/parse-instant.ts';
import { admitKey } from '../../gateway/keys/admit-key.ts';
import { findCallerAddress } from '../../gateway/listener/caller-address.ts';
import { loadKeyring } from '../../gateway/keys/keyring.ts';

const KEY: WorkloadKey = {
  name: 'etl',
  accessKeyId: 'env:ID',
  secretAccessKeys: ['env:SECRET'],
  store: 'cloud',
  operations: ['read'],
  buckets: [],
  prefixes: [],
  allowUnsignedPayload: false,
  upload: false,
  session: false,
  expiresAt: null,
  sourceNetworks: [],
};
const secrets: Record<string, string> = { ID: 'AKIDETL', SECRET: 'first', NEXT: 'second', BOTH: 'first\nsecond\n' };
const resolveSecret = async (ref: SecretRef): Promise<string> => secrets[ref.slice('env:'.length)] ?? '';

describe('a workload key', () => {
  it('has both secrets while it rotates, in a list or on two lines, and never three', async () => {
    for (const refs of [['env:SECRET', 'env:NEXT'], ['env:BOTH']] as const) {
      const keyring = await loadKeyring([{ ...KEY, secretAccessKeys: refs }], resolveSecret);
      assert.deepEqual(
        keyring.find('AKIDETL')?.credentials.map(({ secretAccessKey }) => secretAccessKey),
        ['first', 'second'],
      );
    }
    const three = loadKeyring([{ ...KEY, secretAccessKeys: ['env:BOTH', 'env:NEXT'] }], resolveSecret);
    await assert.rejects(three, { type: 'invalid_config' });
  });

  it('is nobody from its last moment on', async () => {
    let now = new Date('2027-01-30T23:59:59.999Z');
    const expiresAt = new Date('2027-01-31T00:00:00Z');
    const keyring = await loadKeyring([{ ...KEY, expiresAt }], resolveSecret, { now: () => now, revoked: new Set() });
    assert.equal(keyring.find('AKIDETL')?.name, 'etl');
    now = expiresAt;
    assert.equal(keyring.find('AKIDETL'), undefined);
    assert.equal(keyring.findByName('etl'), undefined);
    assert.equal(keyring.entries().length, 1, 'an operator still sees it');
  });

  it('is nobody once it is revoked, also after a reload with the same secrets, and somebody again with other ones', async () => {
    const revoked = new Set<string>();
    const options = { now: () => new Date(), revoked };
    const load = (more: Partial<WorkloadKey> = {}) => loadKeyring([{ ...KEY, ...more }], resolveSecret, options);
    const keyring = await load();
    revoked.add(keyring.find('AKIDETL')?.fingerprint ?? '');
    assert.equal(keyring.find('AKIDETL'), undefined);
    assert.equal((await load({ operations: ['list'] })).find('AKIDETL'), undefined);
    assert.equal((await load({ secretAccessKeys: ['env:NEXT'] })).find('AKIDETL')?.name, 'etl');
  });

  it('may be used from its networks alone', async () => {
    const sourceNetworks = ['10.1.0.0/16', '192.168.0.7', 'fd00:1::/32'];
    const key = (await loadKeyring([{ ...KEY, sourceNetworks }], resolveSecret)).find('AKIDETL');
    assert.ok(key !== undefined);
    for (const address of ['10.1.255.1', '::ffff:10.1.0.1', '192.168.0.7', 'fd00:1:2::3']) {
      admitKey(key, { address }, new Date());
    }
    for (const address of ['10.2.0.1', '::ffff:10.2.0.1', '192.168.0.70', 'fd00:2::1', '::1', '', 'example.com']) {
      assert.throws(() => admitKey(key, { address }, new Date()), { type: 'access_denied' }, address);
    }
  });
});

describe('the address of a caller', () => {
  const proxies = toBlockList(['10.0.0.0/8', '::1']);

  it('is what the socket says, whatever a header says, unless a trusted proxy wrote it', () => {
    assert.equal(findCallerAddress('203.0.113.5', '10.0.0.1', proxies), '203.0.113.5');
    assert.equal(findCallerAddress('::ffff:203.0.113.5', undefined, proxies), '203.0.113.5');
    assert.equal(findCallerAddress('10.0.0.1', undefined, proxies), '10.0.0.1');
    assert.equal(findCallerAddress('10.0.0.1', '203.0.113.5', toBlockList([])), '10.0.0.1');
    assert.equal(findCallerAddress(undefined, '203.0.113.5', proxies), '');
  });

  it('is the last one that no trusted proxy has: what the caller wrote before it counts for nothing', () => {
    assert.equal(findCallerAddress('10.0.0.1', '192.0.2.1, 203.0.113.5', proxies), '203.0.113.5');
    assert.equal(findCallerAddress('::1', '192.0.2.1, 203.0.113.5, 10.9.9.9', proxies), '203.0.113.5');
    assert.equal(findCallerAddress('::1', '[2001:db8::1]', proxies), '2001:db8::1');
    assert.equal(findCallerAddress('10.0.0.1', '10.0.0.2, 10.0.0.3', proxies), '10.0.0.2');
  });

  it('is unknown, and in no network, when a trusted proxy wrote what is no address', () => {
    assert.equal(findCallerAddress('10.0.0.1', '203.0.113.5, nonsense', proxies), '');
    assert.equal(findCallerAddress('10.0.0.1', '', proxies), '');
  });

  it('is never one that only the caller claims', () => {
    fc.assert(
      fc.property(fc.array(fc.ipV4()), fc.ipV4(), (claimed, real) => {
        fc.pre(!real.startsWith('10.'));
        assert.equal(findCallerAddress('10.0.0.1', [...claimed, real].join(', '), proxies), real);
      }),
    );
  });
});

describe('networks and instants of the configuration', () => {
  it('are told from what is none', () => {
    for (const text of ['10.0.0.0/8', '10.0.0.1', '::/0', 'fd00::/8', '0.0.0.0/0']) assert.ok(isNetwork(text), text);
    for (const text of [
      '',
      '10.0.0.0/',
      '10.0.0.0/33',
      '::/129',
      '10.0.0/8',
      '10.0.0.0/08',
      'a/8',
      '::1%eth0',
      '1/8 ',
    ]) {
      assert.ok(!isNetwork(text), text);
    }
    assert.equal(parseInstant('2027-01-31T01:00:00+01:00')?.toISOString(), '2027-01-31T00:00:00.000Z');
    for (const text of ['2027-01-31', '2027-01-31T00:00:00', '2027-02-30T00:00:00Z', '2027-13-01T00:00:00Z', 'soon']) {
      assert.equal(parseInstant(text), null, text);
    }
  });
});
