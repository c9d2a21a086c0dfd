/**
 * A gateway that signs, with a key for each way to be allowed to ask or not, and what stands behind it: a real store with a clock that
 * the test sets, a provider whose answers are scripted, and a directory. Nothing but the gateway knows the store's secret.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3_STANDARD_PRICES } from '../../config/default-prices.ts';
import type { Credentials } from '../../sigv4/types.ts';
import { askFor, put, sha256, signOne, toOutcome, use, type Wish } from './ask-signatures.ts';
import { send } from './signed-request.ts';
import { PROVIDER_CREDENTIALS, startFakeProvider, type FakeProvider } from './start-fake-provider.ts';
import { providerStore, startGateway, type StartedGateway } from './start-gateway.ts';
import { startStore, type StartedStore } from './start-store.ts';

export const SESSION_SECRET = 'a-session-secret-of-the-tests-own-0123456789';
export const ADMIN_TOKEN = 'an-admin-token-of-the-tests';

export interface SignGround {
  readonly cloud: StartedStore;
  readonly provider: FakeProvider;
  readonly gateway: StartedGateway;
  /** How far the clocks are ahead. */
  readonly clocks: { gatewayMs: number; cloudMs: number };
  readonly openSession: (body: object, key?: string) => Promise<Credentials>;
  /** The outcome of each wish, asked for together: one that is refused takes no other along. */
  readonly outcomes: (key: string, wishes: readonly Wish[], credentials?: Credentials) => Promise<string[]>;
  /** Before each test: clocks go right, nothing is counted. */
  readonly reset: () => void;
  readonly close: () => Promise<void>;
}

export async function startSignGround(): Promise<SignGround> {
  const clocks = { gatewayMs: 0, cloudMs: 0 };
  const cloud = await startStore({
    buckets: ['data', 'other'],
    keys: [PROVIDER_CREDENTIALS],
    region: 'eu-west-1',
    allowUnsignedPayload: true,
    now: () => new Date(Date.now() + clocks.cloudMs),
  });
  const provider = await startFakeProvider();
  const directory = await mkdtemp(join(tmpdir(), 'waybill-sign-'));
  const direct = { traffic: 'direct' } as const;
  const sts = {
    accessKeyId: 'env:PROVIDER_ID',
    secretAccessKey: 'env:PROVIDER_SECRET',
    sessionToken: 'env:PROVIDER_TOKEN',
  } as const;
  const kms = { algorithm: 'aws:kms', kmsKeyId: 'key-1' } as const;
  const gateway = await startGateway({
    stores: [
      providerStore(cloud.endpoint, { name: 'cloud', ...direct }),
      providerStore(cloud.endpoint, { name: 'loose', ...direct, unsignedPayload: true }),
      providerStore(cloud.endpoint, { name: 'confined' }),
      providerStore(cloud.endpoint, {
        name: 'tunnelled',
        ...direct,
        egress: { kind: 'socks5', secure: false, host: '127.0.0.1', port: 9, credentials: null },
      }),
      providerStore('https://s3.example.com', {
        name: 'aws',
        ...direct,
        addressing: 'virtual',
        encryption: kms,
        unsafeDirectWrites: true,
      }),
      providerStore(provider.endpoint, { name: 'sts', ...direct, credentials: sts }),
      ...['lax', 'terse', 'closed', 'failing'].map((name) => providerStore(provider.endpoint, { name, ...direct })),
      providerStore(provider.endpoint, { name: 'trusted', ...direct, unsafeDirectWrites: true }),
      {
        name: 'here',
        kind: 'directory',
        region: 'us-east-1',
        conditionalWrites: true,
        etags: 'md5',
        prices: S3_STANDARD_PRICES,
        directory,
        fsync: false,
      },
    ],
    keys: [
      {
        name: 'etl',
        sign: true,
        session: true,
        buckets: ['data'],
        prefixes: ['in/'],
        operations: ['list', 'read', 'write'],
      },
      { name: 'wide', sign: true, session: true },
      { name: 'reader', sign: true, operations: ['list', 'read'] },
      { name: 'plain', session: true, bearerSha256: sha256('a-bearer-token') },
      { name: 'elsewhere', sign: true, sourceNetworks: ['192.0.2.0/24'] },
      { name: 'leaving', sign: true, session: true },
      { name: 'loose-no', store: 'loose', sign: true },
      { name: 'loose-yes', store: 'loose', sign: true, allowUnsignedPayload: true },
      { name: 'strict-yes', sign: true, allowUnsignedPayload: true },
      { name: 'confined', store: 'confined', sign: true },
      { name: 'tunnelled', store: 'tunnelled', sign: true },
      { name: 'aws', store: 'aws', sign: true },
      { name: 'sts', store: 'sts', sign: true },
      { name: 'here', store: 'here', sign: true },
      ...['lax', 'terse', 'closed', 'failing', 'trusted'].map((name) => ({ name, store: name, sign: true })),
    ],
    gateway: { sessionSecret: 'env:SESSION', adminListen: { host: '127.0.0.1', port: 0 }, adminToken: 'env:ADMIN' },
    secrets: { SESSION: SESSION_SECRET, ADMIN: ADMIN_TOKEN, PROVIDER_TOKEN: 'sts-token-of-the-provider' },
    now: () => new Date(Date.now() + clocks.gatewayMs),
  });
  for (const [target, body] of [
    ['/data/in/a', 'inside'],
    ['/data/out/b', 'outside'],
    ['/other/in/a', 'elsewhere'],
  ] as const) {
    const kept = await use(cloud, 'PUT', await signOne(gateway, 'wide', put(target, body)), { body });
    assert.equal(kept.status, 200, kept.text);
  }

  const openSession: SignGround['openSession'] = async (body, key = 'etl') => {
    const text = JSON.stringify({ run: 'run-1', ...body });
    const answer = await send(gateway.caller(key), { method: 'POST', target: '/session', body: text });
    assert.equal(answer.status, 200, answer.text);
    const session = JSON.parse(answer.text) as Record<string, string>;
    return {
      accessKeyId: session['access_key_id'] ?? '',
      secretAccessKey: session['secret_access_key'] ?? '',
      sessionToken: session['session_token'] ?? '',
    };
  };

  const outcomes: SignGround['outcomes'] = async (key, wishes, credentials) => {
    const { answers } = await askFor(gateway, key, wishes, credentials && { credentials });
    assert.equal(answers.length, wishes.length);
    return answers.map(toOutcome);
  };

  return {
    cloud,
    provider,
    gateway,
    clocks,
    openSession,
    outcomes,
    reset() {
      clocks.gatewayMs = 0;
      clocks.cloudMs = 0;
      cloud.resetCounts();
    },
    async close() {
      await gateway.close();
      await provider.close();
      await cloud.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
