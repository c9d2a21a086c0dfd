import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { ActivityDeps, ActivityRuntime } from '../../activities/runtime.ts';
import { list } from '../../activities/list.ts';
import type { Config, ProviderStore, WorkerConfig } from '../../config/config.ts';
import { WaybillError } from '../../core/failures.ts';
import { toKmsEndpoint } from '../../gateway/provider/kms-aliases.ts';
import type { Fence } from '../../ledger/ledger.ts';
import { createCheckEncryption } from '../../worker/ask-kms-alias.ts';
import { send } from '../support/signed-request.ts';
import { startFakeKms } from '../support/start-fake-kms.ts';
import type { FakeKms } from '../support/start-fake-kms.ts';
import { answerWell, PROVIDER_CREDENTIALS, startFakeProvider } from '../support/start-fake-provider.ts';
import type { FakeProvider } from '../support/start-fake-provider.ts';
import { providerStore, startGateway, toCallerCredentials } from '../support/start-gateway.ts';
import type { StartedGateway } from '../support/start-gateway.ts';
import { startConnectProxy } from '../support/start-proxy.ts';

describe('a KMS alias', () => {
  let kms: FakeKms;
  let gateway: StartedGateway;
  before(async () => {
    kms = await startFakeKms(50);
    gateway = await startGateway({
      stores: [
        providerStore('http://127.0.0.1:1', { kmsEndpoint: kms.endpoint }),
        providerStore('http://127.0.0.1:1', { name: 'other' }),
      ],
      keys: [
        { name: 'etl' },
        { name: 'reader', operations: ['read', 'list'] },
        { name: 'elsewhere', store: 'other', operations: ['write'] },
      ],
    });
  });
  beforeEach(() => {
    kms.bodies.length = 0;
    kms.failure = null;
    kms.aliases = Array.from({ length: 120 }, (_, index) => `alias/key-${index}`);
  });
  after(async () => {
    await gateway.close();
    await kms.close();
  });

  async function check(alias: unknown, key = 'etl', at: StartedGateway = gateway) {
    const body = JSON.stringify({ alias });
    const answer = await send(at.caller(key), { method: 'POST', target: '/kms/check', body });
    return { status: answer.status, body: JSON.parse(answer.text) as Record<string, unknown> };
  }

  it('is looked for on every page, and found by name and by ARN', async () => {
    for (const alias of ['alias/key-119', 'arn:aws:kms:eu-west-1:123456789012:alias/key-119']) {
      kms.bodies.length = 0;
      assert.deepEqual(await check(alias), { status: 200, body: { store: 'cloud', alias, exists: true } });
      assert.equal(kms.bodies.length, 3);
      assert.equal(kms.bodies[0], '{}');
      assert.match(kms.bodies[2] ?? '', /^\{"Marker":"[^"]+"\}$/);
    }
    assert.equal(kms.headers.at(-1)?.['x-amz-content-sha256'], undefined);
  });

  it('is absent only after the last page', async () => {
    assert.equal((await check('alias/key-1190')).body['exists'], false);
    assert.equal(kms.bodies.length, 3);
    kms.aliases = [];
    assert.equal((await check('alias/key-1')).body['exists'], false);
  });

  it('is nothing that the gateway says where it knows no KMS, and no guess of AWS for another provider', async () => {
    assert.equal((await check('alias/key-1', 'elsewhere')).body['exists'], null);
    const store = { endpoint: 'https://s3.eu-west-1.amazonaws.com', region: 'eu-west-1', kmsEndpoint: null };
    assert.equal(toKmsEndpoint(store), 'https://kms.eu-west-1.amazonaws.com');
    assert.equal(
      toKmsEndpoint({ ...store, endpoint: 'https://s3.cn-north-1.amazonaws.com.cn', region: 'cn-north-1' }),
      'https://kms.cn-north-1.amazonaws.com.cn',
    );
    assert.equal(toKmsEndpoint({ ...store, endpoint: 'https://minio.example' }), null);
    assert.equal(toKmsEndpoint({ ...store, endpoint: 'https://notamazonaws.com' }), null);
  });

  it('is looked for by who may write, signed over the body, and in one form', async () => {
    assert.equal((await check('alias/key-1', 'reader')).status, 403);
    for (const alias of ['key-1', 'alias/', 'alias/a b', 7, null, 'arn:aws:s3:eu-west-1:123456789012:alias/a']) {
      assert.equal((await check(alias)).status, 400, String(alias));
    }
    const body = '{"alias":"alias/a"}';
    const base = { method: 'POST', target: '/kms/check', body } as const;
    const unsigned = await send(gateway.caller('etl'), { ...base, payloadHash: 'UNSIGNED-PAYLOAD' });
    assert.equal(unsigned.status, 400);
    const forged = { ...toCallerCredentials('etl'), secretAccessKey: 'guessed' };
    assert.equal((await send(gateway.caller('etl'), { ...base, credentials: forged })).status, 403);
    assert.equal(kms.bodies.length, 0);
  });

  it('fails as the KMS does, never as if it were absent', async () => {
    for (const [failure, type] of [
      [{ status: 400, body: '{"__type":"AccessDeniedException","message":"not kms:ListAliases"}' }, 'access_denied'],
      [{ status: 400, body: '{"__type":"x#ThrottlingException","message":"slow"}' }, 'store_slow_down'],
      [{ status: 500, body: 'oops' }, 'store_error'],
      [{ status: 200, body: '{}' }, 'store_error'],
      [{ status: 200, body: '{"Aliases":[],"Truncated":true}' }, 'store_error'],
      [{ status: 200, body: '{"Aliases":[],"Truncated":true,"NextMarker":"bQ=="}' }, 'store_error'],
      [{ status: 302, body: '' }, 'store_refused'],
    ] as const) {
      kms.failure = failure;
      const answer = await check('alias/key-1');
      assert.ok(answer.status >= 400, failure.body);
      assert.equal(answer.body['type'], `urn:waybill:failure:${type}`, failure.body);
    }
    const said = PROVIDER_CREDENTIALS.secretAccessKey;
    kms.failure = { status: 400, body: JSON.stringify({ __type: 'Odd', message: `you sent ${said}` }) };
    assert.ok(!JSON.stringify(await check('alias/key-1')).includes(said));
  });

  it('is looked for through the proxy of the store', async () => {
    const proxy = await startConnectProxy({ to: kms.port });
    const egress = { kind: 'connect', secure: false, host: '127.0.0.1', port: proxy.port, credentials: null } as const;
    const store = providerStore('http://127.0.0.1:1', { egress, kmsEndpoint: 'http://kms.waybill.test:81' });
    const behind = await startGateway({ stores: [store], keys: [{ name: 'etl' }] });
    try {
      assert.equal((await check('alias/key-119', 'etl', behind)).body['exists'], true);
      assert.deepEqual([...new Set(proxy.asked)], ['kms.waybill.test:81']);
    } finally {
      await behind.close();
      await proxy.close();
    }
  });

  describe('of a run', () => {
    const toCheck = (encryption: ProviderStore['encryption'] = null) => {
      process.env['ETL_ID'] = toCallerCredentials('etl').accessKeyId;
      process.env['ETL_SECRET'] = `${toCallerCredentials('etl').secretAccessKey}\n`;
      const config = {
        stores: new Map([['cloud', providerStore('http://127.0.0.1:1', { encryption })]]),
        gateway: {
          region: 'us-east-1',
          keys: [{ name: 'etl', accessKeyId: 'env:ETL_ID', secretAccessKeys: ['env:ETL_SECRET'], store: 'cloud' }],
        },
      } as unknown as Config;
      const worker = { gatewayEndpoint: gateway.url, keys: { cloud: 'etl' }, requestLimitMs: 30_000 };
      return createCheckEncryption(config, worker as unknown as WorkerConfig);
    };
    const kmsKey = (kmsKeyId: string) => ({ algorithm: 'aws:kms', kmsKeyId }) as const;
    const { signal } = new AbortController();

    it('is asked for by the worker: its own, or that of the store, and an absent one is a wrong configuration', async () => {
      assert.equal(await toCheck()('cloud', kmsKey('alias/key-119'), signal), 'exists');
      assert.equal(await toCheck(kmsKey('alias/key-7'))('cloud', null, signal), 'exists');
      await assert.rejects(toCheck()('cloud', kmsKey('alias/absent'), signal), { type: 'invalid_config' });
      await assert.rejects(toCheck(kmsKey('alias/absent'))('cloud', null, signal), { type: 'invalid_config' });
      kms.bodies.length = 0;
      assert.equal(await toCheck()('cloud', null, signal), 'not checked');
      assert.equal(await toCheck()('cloud', kmsKey('1234abcd-12ab-34cd-56ef-1234567890ab'), signal), 'not checked');
      assert.equal(kms.bodies.length, 0);
      kms.failure = { status: 400, body: '{"__type":"AccessDeniedException","message":"no"}' };
      await assert.rejects(toCheck()('cloud', kmsKey('alias/key-1'), signal), { type: 'access_denied' });
      await assert.rejects(toCheck()('cloud', kmsKey('alias/key-1'), AbortSignal.abort(new Error('cancelled'))), {
        message: 'cancelled',
      });
    });

    it('stops it before anything is listed', async () => {
      const called: string[] = [];
      const target = { store: 'cloud', bucket: 'b', prefix: '', encryption: kmsKey('alias/absent') };
      const answers: Record<string, unknown> = { loadStep: null, loadAttempt: { spec: { target }, nominalAt: null } };
      const ledger = new Proxy(
        {},
        {
          get: (_, name) => () => {
            called.push(String(name));
            return Promise.resolve(answers[String(name)]);
          },
        },
      );
      const deps = { ledger, checkEncryption: toCheck(), openStore: () => assert.fail('no store is opened') };
      const runtime = { holder: 'h', guard: { signal, assertCurrent: () => undefined } };
      await assert.rejects(
        list(deps as unknown as ActivityDeps, runtime as unknown as ActivityRuntime, { fence: {} as Fence }),
        (error) => error instanceof WaybillError && error.type === 'invalid_config' && /alias/.test(error.message),
      );
      assert.deepEqual(called, ['loadStep', 'claimStep', 'loadAttempt', 'releaseStep']);
    });
  });
});

describe('the encryption of a store', () => {
  let provider: FakeProvider;
  let gateway: StartedGateway;
  before(async () => {
    provider = await startFakeProvider();
    const encryption = { algorithm: 'aws:kms', kmsKeyId: 'alias/archive' } as const;
    gateway = await startGateway({
      stores: [providerStore(provider.endpoint, { encryption })],
      keys: [{ name: 'etl', upload: true }],
    });
  });
  beforeEach(() => {
    provider.requests.length = 0;
    provider.script = (request, response) => {
      if (request.url.includes('copy')) response.writeHead(200).end('<CopyObjectResult></CopyObjectResult>');
      else answerWell(request, response);
    };
  });
  after(async () => {
    await gateway.close();
    await provider.close();
  });
  const SSE = 'x-amz-server-side-encryption';
  const seen = (): (string | undefined)[] =>
    [SSE, `${SSE}-aws-kms-key-id`].map((name) => provider.requests.at(-1)?.header(name));

  it('is asked for where objects are made, signed with the rest', async () => {
    const plans = [
      { method: 'PUT', target: '/bucket/key', body: 'x' },
      { method: 'POST', target: '/bucket/key?uploads' },
      { method: 'PUT', target: '/bucket/copy', headers: [['x-amz-copy-source', '/bucket/key']] },
    ] as const;
    for (const plan of plans) {
      const answer = await send(gateway.caller('etl'), plan);
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(seen(), ['aws:kms', 'alias/archive'], plan.target);
      assert.equal(provider.requests.at(-1)?.verdict.ok, true);
    }
    const envelope = {
      target_url: `${provider.endpoint}/bucket/key`,
      method: 'PUT',
      headers: {},
      payload_base64: '',
    };
    const upload = { method: 'POST', target: '/upload', body: JSON.stringify(envelope) };
    assert.equal((await send(gateway.caller('etl'), upload)).status, 200);
    assert.deepEqual(seen(), ['aws:kms', 'alias/archive']);
  });

  it('gives way to what the caller names, and stays away where no object is made', async () => {
    const own = { method: 'PUT', target: '/bucket/key', body: 'x', headers: [[SSE, 'AES256']] } as const;
    await send(gateway.caller('etl'), own);
    assert.deepEqual(seen(), ['AES256', undefined]);
    for (const plan of [
      { method: 'PUT', target: '/bucket/key?partNumber=1&uploadId=u', body: 'x' },
      { method: 'GET', target: '/bucket/key' },
      { method: 'DELETE', target: '/bucket/key' },
    ]) {
      await send(gateway.caller('etl'), plan);
      assert.deepEqual(seen(), [undefined, undefined], plan.target);
    }
  });
});
