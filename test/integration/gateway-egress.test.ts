import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Egress, ProviderStore } from '../../config/config.ts';
import { createCertificate } from '../support/create-certificate.ts';
import { send } from '../support/signed-request.ts';
import { answerWell, startFakeProvider } from '../support/start-fake-provider.ts';
import type { FakeProvider } from '../support/start-fake-provider.ts';
import { providerStore, startGateway } from '../support/start-gateway.ts';
import type { StartedGateway } from '../support/start-gateway.ts';
import { startConnectProxy, startSocksProxy } from '../support/start-proxy.ts';
import type { StartedProxy } from '../support/start-proxy.ts';
import { hasSsh, startSshTunnel } from '../support/start-ssh-tunnel.ts';

/** No name server knows it: only who sends the name to the proxy gets anywhere. */
const NAME = 'store.waybill.test';
const USER = { name: 'walter', password: 'canary-of-the-proxy' };

const toEgress = (kind: Egress['kind'], proxy: { port: number }, more: Partial<Egress> = {}): Egress => ({
  kind,
  secure: false,
  host: '127.0.0.1',
  port: proxy.port,
  credentials: null,
  ...more,
});
const CREDENTIALS = { username: 'env:USER_NAME', password: 'env:USER_PASSWORD' } as const;

async function withGateway(
  endpoint: string,
  store: Partial<ProviderStore>,
  use: (gateway: StartedGateway) => Promise<void>,
): Promise<void> {
  const gateway = await startGateway({
    stores: [providerStore(endpoint, store)],
    keys: [{ name: 'etl', allowUnsignedPayload: true }],
    secrets: { USER_NAME: USER.name, USER_PASSWORD: USER.password },
  });
  try {
    await use(gateway);
    assert.ok(!gateway.logged.join('\n').includes(USER.password), 'the log holds no password');
  } finally {
    await gateway.close();
  }
}

async function putAndGet(gateway: StartedGateway, provider: FakeProvider): Promise<void> {
  const body = randomBytes(700_000);
  const put = await send(gateway.caller('etl'), { method: 'PUT', target: '/bucket/key', body });
  assert.equal(put.status, 200, put.text);
  const [seen] = provider.requests;
  assert.ok(seen?.verdict.ok && seen.body.equals(body));
  provider.script = (_request, response) => void response.writeHead(200, { 'content-length': body.length }).end(body);
  const get = await send(gateway.caller('etl'), { method: 'GET', target: '/bucket/key' });
  assert.ok(get.bytes.equals(body));
}

describe('a store behind a proxy', () => {
  let provider: FakeProvider;
  let port: number;
  before(async () => {
    provider = await startFakeProvider();
    port = Number(provider.host.split(':')[1]);
  });
  beforeEach(() => {
    provider.requests.length = 0;
    provider.script = answerWell;
  });
  after(() => provider.close());

  for (const [kind, start] of [
    ['connect', startConnectProxy],
    ['socks5', startSocksProxy],
  ] as const) {
    it(`is reached through ${kind}, which is asked for the name and keeps its connection`, async () => {
      const proxy = await start({ to: port });
      try {
        await withGateway(`http://${NAME}:${port}`, { egress: toEgress(kind, proxy) }, async (gateway) => {
          await putAndGet(gateway, provider);
          assert.deepEqual(proxy.asked, [`${NAME}:${port}`]);
          assert.equal(provider.requests[0]?.header('host'), `${NAME}:${port}`);
        });
      } finally {
        await proxy.close();
      }
    });

    it(`is reached through ${kind} by the user of the configuration, and by no other`, async () => {
      const proxy = await start({ to: port, user: USER });
      try {
        const egress = toEgress(kind, proxy, { credentials: CREDENTIALS });
        await withGateway(`http://${NAME}:${port}`, { egress }, (gateway) => putAndGet(gateway, provider));
        provider.requests.length = 0;
        for (const credentials of [null, { ...CREDENTIALS, password: 'env:USER_NAME' as const }]) {
          await withGateway(`http://${NAME}:${port}`, { egress: { ...egress, credentials } }, async (gateway) => {
            const answer = await send(gateway.caller('etl'), { method: 'GET', target: '/bucket/key' });
            assert.deepEqual([answer.status, answer.code], [503, 'ServiceUnavailable']);
            assert.match(answer.text, /proxy/);
          });
        }
        assert.equal(provider.requests.length, 0);
      } finally {
        await proxy.close();
      }
    });

    it(`never goes around a ${kind} proxy that is gone`, async () => {
      const proxy = await start({ to: port });
      await proxy.close();
      await withGateway(provider.endpoint, { egress: toEgress(kind, proxy) }, async (gateway) => {
        const answer = await send(gateway.caller('etl'), { method: 'GET', target: '/bucket/key' });
        assert.deepEqual([answer.status, answer.code], [503, 'ServiceUnavailable']);
      });
      assert.equal(provider.requests.length, 0);
    });
  }

  if (hasSsh()) {
    it('is reached through ssh -D, whose far end resolves the name', async () => {
      const tunnel = await startSshTunnel();
      try {
        const egress = toEgress('socks5', { port: tunnel.socksPort });
        await withGateway(`http://localhost:${port}`, { egress }, (gateway) => putAndGet(gateway, provider));
        assert.match(tunnel.log(), new RegExp(`dynamic request: socks5 host localhost port ${port}`));
      } finally {
        await tunnel.close();
      }
    });
  } else {
    process.stderr.write('ssh, ssh-keygen or sshd is not installed: no test was made of ssh -D\n');
  }
});

describe('a store over TLS', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'waybill-egress-'));
  const certificate = createCertificate(directory);
  if (certificate === null) {
    process.stderr.write('openssl is not installed: no test was made of the TLS settings of a store\n');
    return;
  }
  const { caFile } = certificate;
  const [cert, key] = await Promise.all([readFile(certificate.certFile), readFile(certificate.keyFile)]);
  let provider: FakeProvider;
  let port: number;
  before(async () => {
    provider = await startFakeProvider(undefined, { cert, key, maxVersion: 'TLSv1.2' });
    port = Number(provider.host.split(':')[1]);
  });
  beforeEach(() => {
    provider.requests.length = 0;
    provider.script = answerWell;
  });
  after(async () => {
    await provider.close();
    await rm(directory, { recursive: true, force: true });
  });
  const tls = { caFile, minVersion: 'TLSv1.2' } as const;
  async function refused(endpoint: string, store: Partial<ProviderStore>, said: RegExp): Promise<void> {
    await withGateway(endpoint, store, async (gateway) => {
      const answer = await send(gateway.caller('etl'), { method: 'PUT', target: '/bucket/key', body: 'x' });
      assert.deepEqual([answer.status, answer.code], [502, 'StoreTlsFailure'], answer.text);
      assert.match(answer.text, said);
    });
    assert.equal(provider.requests.length, 0, 'nothing was sent');
  }

  it('is trusted by the authority of its ca_file, straight and through every kind of proxy', async () => {
    await withGateway(`https://localhost:${port}`, { tls }, (gateway) => putAndGet(gateway, provider));
    const started: StartedProxy[] = [];
    try {
      const plain = await startConnectProxy({ to: port });
      const secure = await startConnectProxy({ to: port, tls: { cert, key } });
      const socks = await startSocksProxy({ to: port });
      started.push(plain, secure, socks);
      for (const egress of [
        toEgress('connect', plain),
        toEgress('connect', secure, { secure: true }),
        toEgress('socks5', socks),
      ]) {
        provider.requests.length = 0;
        provider.script = answerWell;
        await withGateway(`https://localhost:${port}`, { tls, egress }, (gateway) => putAndGet(gateway, provider));
      }
      for (const { asked } of started) assert.deepEqual(asked, [`localhost:${port}`]);
    } finally {
      for (const proxy of started) await proxy.close();
    }
  });

  it('is refused with a code of its own where nobody vouches for it', async () => {
    const none = { caFile: null, minVersion: 'TLSv1.2' } as const;
    await refused(`https://localhost:${port}`, { tls: none }, /certificate/);
  });

  it('is checked against the name of the endpoint, whatever a proxy connects to', async () => {
    const proxy = await startSocksProxy({ to: port });
    try {
      const egress = toEgress('socks5', proxy);
      await refused(`https://${NAME}:${port}`, { tls, egress }, /certificate/);
      await refused(`https://localhost:${port}`, { tls, egress, addressing: 'virtual' }, /certificate/);
      assert.deepEqual(proxy.asked, [`${NAME}:${port}`, `bucket.localhost:${port}`]);
    } finally {
      await proxy.close();
    }
  });

  it('is refused below the version that the store asks for', async () => {
    await refused(`https://localhost:${port}`, { tls: { caFile, minVersion: 'TLSv1.3' } }, /tls_min_version/);
  });

  it('has a CA file of certificates, or the gateway does not start', async () => {
    for (const file of [certificate.keyFile, path.join(directory, 'absent.pem')]) {
      const store = { tls: { caFile: file, minVersion: 'TLSv1.2' } } as const;
      await assert.rejects(
        withGateway(`https://localhost:${port}`, store, () => Promise.resolve()),
        { type: 'invalid_config' },
      );
    }
  });
});
