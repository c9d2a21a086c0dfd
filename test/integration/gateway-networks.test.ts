/** A key that is bound to networks, and callers that claim to be in one. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { send, type Answer } from '../support/signed-request.ts';
import { PROVIDER_CREDENTIALS } from '../support/start-fake-provider.ts';
import { providerStore, startGateway, type StartedGateway } from '../support/start-gateway.ts';
import { startStore, type StartedStore } from '../support/start-store.ts';

const INSIDE = '192.0.2.7';
const OUTSIDE = '203.0.113.5';

describe('a key that is bound to networks', () => {
  let cloud: StartedStore;
  let plain: StartedGateway;
  let proxied: StartedGateway;
  before(async () => {
    cloud = await startStore({ buckets: ['data'], keys: [PROVIDER_CREDENTIALS], region: 'eu-west-1' });
    const start = (trustedProxies: readonly string[]): Promise<StartedGateway> =>
      startGateway({
        stores: [providerStore(cloud.endpoint)],
        keys: [
          { name: 'bound', sourceNetworks: ['192.0.2.0/24'], upload: true },
          { name: 'local', sourceNetworks: ['127.0.0.0/8'] },
        ],
        gateway: { trustedProxies },
      });
    plain = await start([]);
    proxied = await start(['127.0.0.1']);
  });
  after(async () => {
    await plain.close();
    await proxied.close();
    await cloud.close();
  });

  const put = (gateway: StartedGateway, key: string, forwardedFor?: string, target = '/data/k'): Promise<Answer> =>
    send(gateway.caller(key), {
      method: target === '/upload' ? 'POST' : 'PUT',
      target,
      body: '{}',
      // As a proxy adds it: after signing.
      ...(forwardedFor !== undefined && { tamper: (headers) => [...headers, ['X-Forwarded-For', forwardedFor]] }),
    });

  it('is refused from elsewhere, before its body is asked for, whatever X-Forwarded-For says', async () => {
    for (const forwardedFor of [undefined, INSIDE, `${INSIDE}, 127.0.0.1`]) {
      for (const target of ['/data/k', '/upload', '/absent/k', '/data/k?acl']) {
        const answer = await put(plain, 'bound', forwardedFor, target);
        assert.equal(answer.status, 403, `${target} ${forwardedFor} ${answer.text}`);
        assert.match(answer.text, /may not be used from this address/);
      }
    }
    assert.equal((await put(plain, 'local', INSIDE)).status, 200);
  });

  it('is judged by the address that a trusted proxy saw, and not by what came in with the request', async () => {
    assert.equal((await put(proxied, 'bound', INSIDE)).status, 200);
    assert.equal((await put(proxied, 'bound', `${OUTSIDE}, ${INSIDE}`)).status, 200);
    for (const forwardedFor of [undefined, OUTSIDE, `${INSIDE}, ${OUTSIDE}`, 'nonsense', `${INSIDE}, nonsense`]) {
      assert.equal((await put(proxied, 'bound', forwardedFor)).status, 403, forwardedFor);
    }
    assert.equal((await put(proxied, 'local', INSIDE)).status, 403);
  });

  it('does not tell who has no valid signature what its networks are', async () => {
    const wrong = { accessKeyId: 'AKIDBOUND', secretAccessKey: 'guess' };
    const answer = await send(plain.caller('bound'), { method: 'GET', target: '/data/k', credentials: wrong });
    assert.deepEqual([answer.status, answer.code], [403, 'SignatureDoesNotMatch']);
  });
});
