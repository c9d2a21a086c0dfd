/** Where a name may lead, on real sockets: a resolver of the test's own says what the name stands for. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { ProviderStore } from '../../config/config.ts';
import { openStore } from '../../gateway/open-store.ts';
import type { OpenedStore } from '../../gateway/open-store.ts';
import { toUploadRule } from '../../gateway/provider/upload-rule.ts';
import { isAllowedAddress } from '../../stores/s3/store-addresses.ts';
import type { ResolveAll } from '../../stores/s3/store-addresses.ts';
import { parseUploadEnvelope } from '../../gateway/upload/upload-envelope.ts';
import { parseUploadTarget } from '../../gateway/upload/upload-target.ts';
import { createSigningKeyCache } from '../../sigv4/signing-key.ts';
import { serveBackend, toVerifiedRequest } from '../support/serve-backend.ts';
import { answerWell, PROVIDER_CREDENTIALS, startFakeProvider } from '../support/start-fake-provider.ts';
import type { FakeProvider } from '../support/start-fake-provider.ts';
import { providerStore } from '../support/start-gateway.ts';

describe('the addresses of a store', () => {
  let provider: FakeProvider;
  let port: number;
  const resolved: string[] = [];
  let answers: string[][];
  /** The first answer first, the last one for ever: a name server that changes its mind. */
  const resolveAll: ResolveAll = (hostname, _options, callback) => {
    resolved.push(hostname);
    const addresses = answers.length > 1 ? (answers.shift() ?? []) : (answers[0] ?? []);
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };
  before(async () => {
    provider = await startFakeProvider();
    port = Number(provider.host.split(':')[1]);
  });
  beforeEach(() => {
    provider.requests.length = 0;
    provider.script = answerWell;
    resolved.length = 0;
  });
  after(() => provider.close());

  async function withStore(endpoint: string, more: Partial<ProviderStore>, use: (store: OpenedStore) => Promise<void>) {
    const store = await openStore(providerStore(endpoint, more), {
      resolveSecret: (ref) =>
        Promise.resolve(ref.endsWith('_ID') ? PROVIDER_CREDENTIALS.accessKeyId : PROVIDER_CREDENTIALS.secretAccessKey),
      keyCache: createSigningKeyCache(),
      region: 'us-east-1',
      now: () => new Date(),
      resolveAll,
    });
    await use(store).finally(() => store.close());
  }
  async function get(store: OpenedStore): Promise<string> {
    const served = await serveBackend({ ...store.backend, close: () => Promise.resolve() });
    try {
      const answer = await served.ask(toVerifiedRequest({ operation: 'GetObject', method: 'GET' }));
      return answer.failure?.type ?? String(answer.status);
    } finally {
      await served.close();
    }
  }
  async function upload(store: OpenedStore, endpoint: string): Promise<string> {
    const target_url = `${endpoint}/bucket/key`;
    const envelope = parseUploadEnvelope(
      Buffer.from(JSON.stringify({ target_url, method: 'PUT', headers: {}, payload_base64: '' })),
      1,
    );
    assert.ok(store.provider !== null);
    const target = parseUploadTarget(target_url, store.provider.store);
    const { signal } = new AbortController();
    return await store.provider.send({ ...target, envelope, signal }).then(
      ({ status }) => String(status),
      (error: { type: string }) => error.type,
    );
  }

  it('are looked at before a connection is opened, and link-local ones and metadata services refused', async () => {
    for (const address of [
      '169.254.169.254',
      '169.254.0.1',
      '::ffff:169.254.169.254',
      '::ffff:a9fe:a9fe',
      '64:ff9b::a9fe:a9fe',
      'fe80::1',
      'fd00:ec2::254',
      '100.100.100.200',
      '168.63.129.16',
      '224.0.0.1',
      'ff02::1',
    ]) {
      assert.equal(isAllowedAddress(address, 'configured'), false, address);
      answers = [[address]];
      await withStore(`http://name.test:${port}`, {}, async (store) =>
        assert.equal(await get(store), 'access_denied', address),
      );
    }
    // One such among others is enough.
    answers = [['127.0.0.1', '169.254.169.254']];
    await withStore(`http://name.test:${port}`, {}, async (store) => assert.equal(await get(store), 'access_denied'));
    // Also where the configuration itself says so.
    await withStore('http://169.254.169.254', {}, async (store) => {
      assert.equal(await get(store), 'access_denied');
      assert.equal(await upload(store, 'http://169.254.169.254'), 'access_denied');
    });
    assert.equal(provider.requests.length, 0);
  });

  it('are resolved once for each connection, which goes where was looked', async () => {
    answers = [['127.0.0.1'], ['169.254.169.254']];
    await withStore(`http://name.test:${port}`, {}, async (store) => {
      assert.equal(await get(store), '200');
      assert.equal(await get(store), '200');
      assert.deepEqual(resolved, ['name.test'], 'the second request goes over the first connection');
      provider.script = (_request, response) => void response.writeHead(200, { connection: 'close' }).end();
      await get(store);
      assert.equal(await get(store), 'access_denied', 'a new connection looks again');
      assert.deepEqual(resolved, ['name.test', 'name.test']);
    });
  });

  it('of an endpoint by name may be private for S3 requests, and for /upload only where the store says so', async () => {
    const endpoint = `http://name.test:${port}`;
    for (const address of ['127.0.0.1', '10.0.0.1', '172.31.0.1', '192.168.1.1', '100.64.0.1', '::1', 'fd12::1']) {
      assert.equal(isAllowedAddress(address, 'configured'), true, address);
      assert.equal(isAllowedAddress(address, 'public'), false, address);
    }
    for (const address of ['93.184.216.34', '172.32.0.1', '2606:2800::1'])
      assert.ok(isAllowedAddress(address, 'public'));
    answers = [['127.0.0.1']];
    await withStore(endpoint, {}, async (store) => {
      assert.equal(await get(store), '200');
      // Though a connection of the S3 side to the same host stands open.
      assert.equal(await upload(store, endpoint), 'access_denied');
      assert.equal(provider.requests.length, 1);
    });
    await withStore(endpoint, { allowPrivateAddresses: true }, async (store) =>
      assert.equal(await upload(store, endpoint), '200'),
    );
    await withStore(provider.endpoint, {}, async (store) =>
      assert.equal(await upload(store, provider.endpoint), '200'),
    );
    assert.equal(toUploadRule({ endpoint: 'http://localhost:9000', allowPrivateAddresses: false }), 'configured');
    assert.equal(toUploadRule({ endpoint: 'https://[::1]:9000', allowPrivateAddresses: false }), 'configured');
    assert.equal(toUploadRule({ endpoint: 'https://notlocalhost', allowPrivateAddresses: false }), 'public');
  });

  it('are not asked for here when a proxy stands between', async () => {
    answers = [['127.0.0.1']];
    const egress = { kind: 'socks5', secure: false, host: '127.0.0.1', port: 1, credentials: null } as const;
    await withStore(`http://name.test:${port}`, { egress }, async (store) => {
      assert.equal(await get(store), 'store_unreachable');
      assert.equal(await upload(store, `http://name.test:${port}`), 'store_unreachable');
    });
    assert.deepEqual(resolved, []);
  });
});
