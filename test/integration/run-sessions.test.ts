/**
 * A run signs with sessions of its own: what the gateway sees of it, what such a session may do, and what happens when its time runs out
 * while the run goes on. Gateway, stores, ledger and the worker's way to the stores are the real ones; a proxy before the gateway sees
 * what the worker sends; one clock, which the test sets, is everybody's.
 */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, beforeEach, test } from 'node:test';
import type { Config, GatewayConfig, WorkerConfig, WorkloadKey } from '../../config/config.ts';
import { MiB } from '../../core/limits.ts';
import { putDemoObjects, type DemoObject } from '../../dev/demo-input.ts';
import { createSessionSealer } from '../../gateway/keys/session-token.ts';
import type { Credentials } from '../../sigv4/types.ts';
import { createS3Store } from '../../stores/s3/s3-store.ts';
import type { Store } from '../../stores/store.ts';
import { toTargetFingerprint } from '../../manifest/target-fingerprint.ts';
import { openStores, type OpenedStores } from '../../worker/open-stores.ts';
import { driveRun, type Driven } from '../support/drive-run.ts';
import { buildSpec, createLedgerFixture, type LedgerFixture } from '../support/ledger-fixtures.ts';
import { listSmallObjects } from '../support/run-objects.ts';
import { send, type Answer } from '../support/signed-request.ts';
import { startFaultProxy, type FaultProxy, type ProxiedRequest } from '../support/start-fault-proxy.ts';
import { PROVIDER_CREDENTIALS } from '../support/start-fake-provider.ts';
import { providerStore, startGateway, toCallerCredentials, type StartedGateway } from '../support/start-gateway.ts';
import { startStore, type StartedStore } from '../support/start-store.ts';

const SESSION_SECRET = 'a-session-secret-of-the-tests-own-0123456789';
const MINUTE_MS = 60_000;
const OBJECTS: readonly DemoObject[] = [
  ...listSmallObjects('in/', 60),
  { key: 'in/x/../dots', sizeBytes: 10, headers: { contentType: 'text/plain', metadata: {} } },
  { key: 'in/large', sizeBytes: 9 * MiB, headers: { contentType: 'text/plain', metadata: {} } },
  { key: 'in/tagged', sizeBytes: 10, headers: { contentType: 'text/plain', metadata: {} }, tags: { tier: 'gold' } },
];

let fixture: LedgerFixture;
let cloudA: StartedStore;
let cloudB: StartedStore;
let gateway: StartedGateway;
/** Between the worker and the gateway. */
let proxy: FaultProxy;
let opened: OpenedStores;
const closing: (() => Promise<unknown>)[] = [];
const warned: string[] = [];
let clockMs = 0;
const now = (): Date => new Date(Date.now() + clockMs);

const KEYS = [
  { name: 'worker-a', store: 'a', operations: ['list', 'read'], session: true },
  { name: 'worker-b', store: 'b', operations: ['list', 'read', 'write', 'delete'], session: true },
  { name: 'mute', store: 'a', operations: ['list', 'read'], session: false },
] as const;

before(async () => {
  fixture = await createLedgerFixture();
  const common = { keys: [PROVIDER_CREDENTIALS], region: 'eu-west-1', now };
  cloudA = await startStore({ ...common, buckets: ['source', 'other'] });
  cloudB = await startStore({ ...common, buckets: ['target', 'other'] });
  gateway = await startGateway({
    stores: [providerStore(cloudA.endpoint, { name: 'a' }), providerStore(cloudB.endpoint, { name: 'b' })],
    keys: KEYS,
    gateway: { sessionSecret: 'env:SESSION' },
    secrets: { SESSION: SESSION_SECRET },
    now,
  });
  proxy = await startFaultProxy(Number(new URL(gateway.url).port));
  opened = await openAsWorker();
  for (const [bucket, objects] of [
    ['source', OBJECTS],
    ['other', listSmallObjects('in/', 1)],
  ] as const) {
    const store = straightTo(cloudA);
    await putDemoObjects(store, bucket, objects);
    await store.close();
  }
  closing.push(
    () => fixture.close(),
    () => cloudA.close(),
    () => cloudB.close(),
    () => gateway.close(),
    () => proxy.close(),
  );
});
after(async () => {
  for (const end of closing.reverse()) await end();
});
beforeEach(() => {
  proxy.requests.length = 0;
  proxy.decide = () => ({ kind: 'pass' });
  gateway.logged.length = 0;
  warned.length = 0;
});

/** As a worker does, with its keys for the stores; `keyOfA` is another for store a. */
async function openAsWorker(
  more: { sessions?: boolean; keyOfA?: string; secretOf?: (key: string) => string } = {},
): Promise<OpenedStores> {
  const keys = KEYS.map(({ name, store, operations, session }): WorkloadKey => {
    const { accessKeyId, secretAccessKey } = toCallerCredentials(name);
    const variable = `TEST_${name.replace('-', '_').toUpperCase()}`;
    process.env[`${variable}_ID`] = accessKeyId;
    process.env[`${variable}_SECRET`] = more.secretOf?.(name) ?? secretAccessKey;
    return {
      name,
      accessKeyId: `env:${variable}_ID`,
      secretAccessKeys: [`env:${variable}_SECRET`],
      store,
      operations,
      buckets: [],
      prefixes: [],
      allowUnsignedPayload: false,
      upload: false,
      session,
      expiresAt: null,
      sourceNetworks: [],
    };
  });
  const worker: WorkerConfig = {
    gatewayEndpoint: proxy.url,
    keys: { a: more.keyOfA ?? 'worker-a', b: 'worker-b' },
    sessions: more.sessions ?? true,
    processes: 1,
    metricsListen: null,
    heartbeatTimeoutMs: 60_000,
    requestLimitMs: 30_000,
    memoryBytes: 64 * MiB,
    sweepIntervalMs: 60_000,
    retentionMs: 30 * 86_400_000,
  };
  const config = {
    stores: new Map([
      ['a', providerStore('', { name: 'a' })],
      ['b', providerStore('', { name: 'b' })],
    ]),
    gateway: { region: 'us-east-1', keys } as unknown as GatewayConfig,
  } as unknown as Config;
  const stores = await openStores(config, worker, {
    ledger: fixture.ledger,
    logger: { warn: (fields, message) => void warned.push(`${message} ${JSON.stringify(fields)}`) },
    now,
    elapsedMs: () => performance.now() + clockMs,
  });
  closing.push(() => stores.close());
  return stores;
}

const straightTo = (cloud: StartedStore): Store =>
  createS3Store({
    name: 'straight',
    endpoint: cloud.endpoint,
    region: 'eu-west-1',
    addressing: 'path',
    credentials: () => PROVIDER_CREDENTIALS,
    requestLimitMs: 30_000,
    connectionsMax: 8,
    etags: 'md5',
    now,
  });

async function run(name: string, openStore = opened.openStore): Promise<Driven> {
  const spec = buildSpec(name, 'target');
  return driveRun({
    ledger: fixture.ledger,
    openStore,
    spec: {
      ...spec,
      source: { ...spec.source, prefix: 'in/' },
      target: { ...spec.target, prefix: `${name}/` },
      tags: true,
    },
    runId: '1',
  });
}

/** An attempt that has been accepted, for requests beside a run. */
async function acceptAttempt(name: string): Promise<{ runUuid: string; attemptId: string }> {
  const { run: accepted } = await fixture.ledger.accept({
    pipeline: name,
    mode: 'run',
    runId: '1',
    nominalAt: null,
    spec: buildSpec(name),
    targetFingerprint: toTargetFingerprint(buildSpec(name)),
    again: false,
    idempotency: null,
  });
  return { runUuid: accepted.id, attemptId: accepted.attempt.attemptId };
}

/** What the gateway logged of S3 requests, one line each; POST /session is none. */
const s3Lines = (): string[] =>
  gateway.logged.filter((line) => /^request /.test(line) && !/operation: 'Session'/.test(line)).map(oneLine);
const oneLine = (line: string): string => line.replace(/\s+/g, ' ');
const isSessionRequest = ({ url }: ProxiedRequest): boolean => url === '/session';
const idOf = ({ headers }: ProxiedRequest): string =>
  /Credential=([^/]+)\//.exec(headers.authorization ?? '')?.[1] ?? '';

/** Whose right it is by which an object of the source is read: by the worker, or by the gateway for a copy. */
function readerOf(request: ProxiedRequest): string | null {
  const source = request.headers['x-amz-copy-source'];
  if (typeof source === 'string') return /X-Amz-Credential=([^%]+)%2F/.exec(source)?.[1] ?? null;
  return /^\/source\/in/.test(request.url) ? idOf(request) : null;
}

/** The sessions that the worker signed with, by the store that they were for: what stood on the wire, and the secret derived from it. */
function seenSessions(operation: RegExp): Credentials[] {
  const sealer = createSessionSealer(SESSION_SECRET);
  const byId = new Map<string, Credentials>();
  for (const request of proxy.requests) {
    const token = request.headers['x-amz-security-token'];
    if (typeof token !== 'string' || !operation.test(`${request.method} ${request.url}`)) continue;
    byId.set(idOf(request), sealer.open(idOf(request), token)?.credentials ?? assert.fail('not one of the gateway'));
  }
  return [...byId.values()];
}

test('every request of a run is signed by a session that names the run, one for each store, and no other key', async () => {
  const { runUuid, end, failures } = await run('named');
  assert.deepEqual([end.state, failures], ['done', []]);
  assert.equal(proxy.requests.filter(isSessionRequest).length, 2, 'each store was asked for once');
  const lines = s3Lines();
  assert.ok(lines.length > OBJECTS.length);
  for (const line of lines) {
    assert.match(line, new RegExp(`run: '${runUuid}'`), line);
    assert.match(line, /key: 'worker-[ab]'/);
    assert.match(line, /accessKeyId: 'WBSESSION/);
  }
  const workers = new Set(KEYS.map(({ name }) => toCallerCredentials(name).accessKeyId));
  for (const request of proxy.requests) assert.equal(workers.has(idOf(request)), isSessionRequest(request));
});

test("a run's session reaches no other bucket, no other prefix, and writes nothing at the source", async () => {
  const { end } = await run('narrow');
  assert.equal(end.state, 'done');
  const [source] = seenSessions(/^GET \/source\//);
  const [target] = seenSessions(/^PUT \/target\//);
  assert.ok(source !== undefined && target !== undefined);
  const ask = (credentials: Credentials, method: string, url: string): Promise<Answer> =>
    send(gateway.caller('worker-a'), {
      method,
      target: url,
      credentials,
      at: now(),
      ...(method === 'PUT' && { body: 'x' }),
    });
  for (const [credentials, method, url, status] of [
    [source, 'GET', '/source/in/tagged', 200],
    [source, 'GET', '/source?list-type=2&prefix=in%2F', 200],
    [source, 'GET', '/other/in/part-000.json', 403],
    [source, 'GET', '/source?list-type=2&prefix=', 403],
    [source, 'GET', '/source/elsewhere', 403],
    [source, 'PUT', '/source/in/new', 403],
    [source, 'DELETE', '/source/in/tagged', 403],
    [target, 'GET', '/target/narrow/tagged', 200],
    [target, 'PUT', '/target/narrow/manifests/x', 200],
    [target, 'PUT', '/target/elsewhere/x', 403],
    [target, 'PUT', '/other/narrow/x', 403],
    [target, 'DELETE', '/target/narrow/tagged', 403],
    [target, 'PUT', '/narrow', 403],
    [target, 'GET', '/', 403],
  ] as const) {
    const answer = await ask(credentials, method, url);
    assert.equal(answer.status, status, `${method} ${url}: ${answer.text}`);
    if (status === 403) assert.equal(answer.code, 'AccessDenied');
  }
});

test('a session that runs out while its run goes on is renewed, and no request fails for it', async () => {
  const startMs = clockMs;
  // 12.5 of its 15 minutes have gone as soon as a session has served some requests, again and again; but of none twice while it is used:
  // time stands still until whatever was signed by another has its answer.
  const served = new Map<string, number>();
  const aged = new Set<string>();
  let jump: Promise<void> | null = null;
  let held = 0;
  const age = async (ids: readonly string[]): Promise<void> => {
    for (let quiet = 0; quiet < 3; quiet = proxy.underWay() <= held ? quiet + 1 : 0) await sleep(2);
    for (const id of ids) aged.add(id);
    clockMs += 12.5 * MINUTE_MS;
    jump = null;
    held = 0;
  };
  proxy.decide = (request) => {
    const reader = readerOf(request);
    const used = [reader ?? '', idOf(request)];
    if (reader === null || used.some((id) => aged.has(id))) return { kind: 'pass' };
    const count = (served.get(reader) ?? 0) + 1;
    served.set(reader, count);
    if (jump === null && count < 12) return { kind: 'pass' };
    held += 1;
    jump ??= age(used);
    return { kind: 'hold-before', until: jump };
  };
  let activities = 0;
  const { end, failures } = await run('long', (name, onTraffic, attemptId) => {
    // And between activities one has always ended: an attempt that was paused.
    if (name === 'a' && ++activities === 2) clockMs += 20 * MINUTE_MS;
    return opened.openStore(name, onTraffic, attemptId);
  });
  assert.deepEqual([end.state, failures], ['done', []]);
  assert.ok(clockMs - startMs >= 40 * MINUTE_MS, 'several lifetimes have passed');
  assert.ok(served.size >= 3, `${served.size} sessions were used at the source`);
  assert.ok(proxy.requests.filter(isSessionRequest).length >= 5);
  const refused = s3Lines().filter((line) => /code: '[A-Z]/.test(line) && !/code: '(NoSuchKey|NotFound)'/.test(line));
  // A leave to read is good for a request's time, and gives none to read tags; what is refused for that is copied by its bytes.
  assert.deepEqual(
    refused.filter((line) => !/operation: 'CopyObject'.*code: '(AccessDenied|InvalidRequest)'/.test(line)),
    [],
  );
  assert.deepEqual(warned, []);
});

test('a gateway that is down or refuses a session is a failure of the table', async () => {
  const head = async (stores: OpenedStores, attemptId: string): Promise<void> =>
    stores.openStore('a', () => undefined, attemptId).headBucket('source');
  const { attemptId } = await acceptAttempt('refused');
  proxy.decide = (request) => (isSessionRequest(request) ? { kind: 'drop-request' } : { kind: 'pass' });
  await assert.rejects(head(opened, attemptId), { type: 'store_unreachable' });
  proxy.decide = () => ({ kind: 'pass' });
  await head(opened, attemptId);

  await assert.rejects(head(await openAsWorker({ keyOfA: 'mute' }), attemptId), {
    type: 'access_denied',
    message: /the gateway gives no session: This key may not ask for sessions/,
  });
  await assert.rejects(head(await openAsWorker({ secretOf: () => 'another-secret' }), attemptId), {
    type: 'bad_credentials',
    message: /s3Code=SignatureDoesNotMatch/,
  });
  await assert.rejects(head(opened, '00000000-0000-4000-8000-000000000000'), { type: 'unknown_run' });
});

test('what belongs to no run, and a worker without sessions, signs with the workload key', async () => {
  const { attemptId } = await acceptAttempt('plain');
  await opened.openStore('a', () => undefined, null).headBucket('source');
  const plain = await openAsWorker({ sessions: false });
  await plain.openStore('a', () => undefined, attemptId).headBucket('source');
  assert.deepEqual(proxy.requests.map(idOf), Array(2).fill(toCallerCredentials('worker-a').accessKeyId));
  for (const line of s3Lines()) assert.doesNotMatch(line, /run: /);
});
