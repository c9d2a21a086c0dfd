/** The admin listener, the access log and the revocation of a key. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { send } from '../support/signed-request.ts';
import { PROVIDER_CREDENTIALS } from '../support/start-fake-provider.ts';
import { providerStore, startGateway, type StartedGateway } from '../support/start-gateway.ts';
import { startStore, type StartedStore } from '../support/start-store.ts';

const TOKEN = 'an-admin-token-of-the-tests';
const ADMIN_LISTEN = { host: '127.0.0.1', port: 0 };

describe('the admin listener', () => {
  let cloud: StartedStore;
  let gateway: StartedGateway;
  before(async () => {
    cloud = await startStore({ buckets: ['data'], keys: [PROVIDER_CREDENTIALS], region: 'eu-west-1' });
    gateway = await startGateway({
      stores: [providerStore(cloud.endpoint)],
      keys: [
        { name: 'etl' },
        { name: 'reader', operations: ['read'], sourceNetworks: ['127.0.0.0/8'] },
        { name: 'past', expiresAt: new Date(0) },
      ],
      gateway: { adminListen: ADMIN_LISTEN, adminToken: 'env:ADMIN' },
      secrets: { ADMIN: TOKEN },
    });
  });
  after(async () => {
    await gateway.close();
    await cloud.close();
  });
  const ask = (path: string, authorization = `Bearer ${TOKEN}`, method = 'GET', at = gateway): Promise<Response> =>
    fetch(`${at.adminUrl}${path}`, { method, headers: authorization === '' ? {} : { authorization } });

  it('tells its health to everyone, and the rest to nobody without the token', async () => {
    assert.equal((await ask('/healthz', '')).status, 200);
    assert.equal((await ask('/readyz', '')).status, 200);
    for (const authorization of [
      '',
      'Bearer ',
      'Bearer x',
      `Bearer ${TOKEN}x`,
      `Basic ${TOKEN}`,
      TOKEN,
      `Bearer ${TOKEN.slice(1)}`,
    ]) {
      for (const [method, path] of [
        ['GET', '/metrics'],
        ['GET', '/refusals'],
        ['GET', '/keys'],
        ['GET', '/else'],
        ['POST', '/keys/etl/revoke'],
      ] as const) {
        const answer = await ask(path, authorization, method);
        assert.equal(answer.status, 401, `${method} ${path} ${authorization}`);
        assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer/);
      }
    }
    assert.equal((await send(gateway.caller('etl'), { method: 'HEAD', target: '/data' })).status, 200, 'not revoked');
  });

  it('without a token leaves metrics open, and keys and refusals closed', async () => {
    const open = await startGateway({
      stores: [providerStore(cloud.endpoint)],
      keys: [{ name: 'etl' }],
      gateway: { adminListen: ADMIN_LISTEN },
    });
    try {
      assert.equal((await ask('/metrics', '', 'GET', open)).status, 200);
      for (const path of ['/refusals', '/keys']) assert.equal((await ask(path, '', 'GET', open)).status, 403);
      assert.equal((await ask('/keys/etl/revoke', '', 'POST', open)).status, 403);
    } finally {
      await open.close();
    }
  });

  it('lists the keys with their policies, and neither secrets nor access key ids', async () => {
    const text = await (await ask('/keys')).text();
    const { keys } = JSON.parse(text) as { keys: { name: string; state: string; operations: string[] }[] };
    assert.deepEqual(
      keys.map(({ name, state }) => [name, state]),
      [
        ['etl', 'valid'],
        ['reader', 'valid'],
        ['past', 'expired'],
      ],
    );
    assert.deepEqual(keys[1]?.operations, ['read']);
    assert.ok(!/AKID|secret-of/.test(text), text);
    const expired = await send(gateway.caller('past'), { method: 'HEAD', target: '/data' });
    assert.deepEqual([expired.status, expired.headers['x-amz-error-code']], [403, 'InvalidAccessKeyId']);
  });

  it('shows the last refusals with their reasons, the latest first and a hundred at most', async () => {
    for (let n = 0; n < 101; n += 1)
      await send(gateway.caller('reader'), { method: 'PUT', target: `/data/n${n}`, body: 'x' });
    await send(gateway.caller('reader'), { method: 'GET', target: '/data?list-type=2' });
    await send(gateway.caller('reader'), { method: 'GET', target: '/data/absent' });
    const text = await (await ask('/refusals')).text();
    const { refusals } = JSON.parse(text) as { refusals: Record<string, unknown>[] };
    assert.equal(refusals.length, 100);
    const { at, requestId, ...first } = refusals[0] ?? {};
    assert.match(`${String(at)} ${String(requestId)}`, /^\d{4}-\d\d-\d\dT\S+Z [0-9A-F]{16}$/);
    assert.deepEqual(first, {
      status: 403,
      code: 'AccessDenied',
      reason: 'this key may not list: ListObjectsV2 is not granted to it',
      key: 'reader',
      claimed: '',
      operation: 'ListObjectsV2',
      store: 'cloud',
      bucket: 'data',
      address: '127.0.0.1',
    });
    assert.ok(!/AKID|secret-of|Signature=/.test(text));
  });

  it('tells the beginning of the access key id that a refused request claimed, and no more of it', async () => {
    const credentials = { accessKeyId: 'MISTYPED-KEY-ID-OR-A-SECRET', secretAccessKey: 'x' };
    await send(gateway.caller('reader'), { method: 'GET', target: '/data/absent', credentials });
    const text = await (await ask('/refusals')).text();
    const { refusals } = JSON.parse(text) as { refusals: Record<string, unknown>[] };
    assert.deepEqual([refusals[0]?.['claimed'], refusals[0]?.['code']], ['MISTYPED', 'InvalidAccessKeyId']);
    assert.doesNotMatch(text, /MISTYPED-KEY/);
  });

  it('revokes a key from the next request on', async () => {
    const get = () => send(gateway.caller('reader'), { method: 'GET', target: '/data/absent' });
    assert.equal((await get()).status, 404);
    assert.equal((await ask('/keys/reader/revoke', `Bearer ${TOKEN}`, 'GET')).status, 404, 'not by a GET');
    assert.equal((await get()).status, 404);
    assert.equal((await ask('/keys/nobody/revoke', `Bearer ${TOKEN}`, 'POST')).status, 404);
    assert.equal((await ask('/keys/reader/revoke', `Bearer ${TOKEN}`, 'POST')).status, 200);
    const revoked = await get();
    assert.deepEqual([revoked.status, revoked.code], [403, 'InvalidAccessKeyId']);
    assert.match(await (await ask('/keys')).text(), /"name": "reader",\s+"state": "revoked"/);
  });

  it('counts connections, requests in flight and refusals', async () => {
    const metrics = await (await ask('/metrics')).text();
    assert.match(metrics, /^waybill_s3_requests_in_flight 0$/m);
    assert.match(metrics, /^waybill_s3_connections \d+$/m);
    assert.match(metrics, /^waybill_s3_connections_cut_total\{reason="stalled"\} 0$/m);
    assert.match(metrics, /^waybill_gateway_held_bytes 0$/m);
    assert.match(metrics, /^waybill_gateway_refusals_total\{code="AccessDenied"\} 102$/m);
  });
});

describe('the access log', () => {
  const lines = (gateway: StartedGateway, word: string): string[] =>
    gateway.logged.filter((line) => line.startsWith(`${word} {`));

  for (const [mode, requests, refused] of [
    ['all', 3, 1],
    ['refusals', 0, 1],
    ['off', 0, 0],
  ] as const) {
    it(`of ${mode} has ${requests} lines for three requests and ${refused} for the refused one, without a query or a secret`, async () => {
      const cloud = await startStore({ buckets: ['data'], keys: [PROVIDER_CREDENTIALS], region: 'eu-west-1' });
      const gateway = await startGateway({
        stores: [providerStore(cloud.endpoint)],
        keys: [{ name: 'etl', operations: ['read', 'write'] }],
        gateway: { accessLog: mode },
      });
      try {
        const etl = gateway.caller('etl');
        await send(etl, { method: 'PUT', target: '/data/k', body: 'seven b' });
        await send(etl, { method: 'GET', target: '/data/k', presignSeconds: 60 });
        await send(etl, { method: 'DELETE', target: '/data/k' });
        assert.equal(lines(gateway, 'request').length, requests);
        assert.equal(lines(gateway, 'refused').length, refused);
        const log = gateway.logged.join('\n');
        assert.ok(!/X-Amz-Signature|secret-of|Authorization/i.test(log), log);
        if (mode !== 'all') return;
        const [put, get] = lines(gateway, 'request');
        for (const word of [
          "key: 'etl'",
          "store: 'cloud'",
          "bucket: 'data'",
          "object: 'k'",
          'bytesIn: 7',
          'status: 200',
          "signedBy: 'header'",
          "address: '127.0.0.1'",
          'ms: ',
        ]) {
          assert.ok(put?.includes(word), `${word}\n${put}`);
        }
        assert.match(get ?? '', /bytesOut: 7[\s\S]*signedBy: 'presigned'/);
        assert.match(lines(gateway, 'refused')[0] ?? '', /reason: 'this key may not delete/);
      } finally {
        await gateway.close();
        await cloud.close();
      }
    });
  }
});
