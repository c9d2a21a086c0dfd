/**
 * docker-compose.yml without an engine: the same commands, entered as the image enters them, the same configuration and environment for
 * each service, started in the order of depends_on and waited for by their own health checks. What an engine adds is replaced by
 * loopback: a service's name and port by 127.0.0.1 and a free port, Postgres and Temporal by real ones.
 */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createApiClient, type RunJson } from '../../cli/api-client.ts';
import { startChild, type Child } from '../../dev/child.ts';
import { findFreePorts } from '../../dev/free-port.ts';
import { findTemporalBinary } from '../../dev/temporal-binary.ts';
import { startTemporal, type RunningTemporal } from '../../dev/temporal.ts';
import { COMPOSE_CONFIG, fillIn, loadComposeFile, PROJECT, type ComposeService } from '../support/compose-file.ts';
import { createEmptyDatabase, type TestDatabase } from '../support/postgres.ts';
import { startStore, type StartedStore } from '../support/start-store.ts';
import { toBody } from '../support/store-bytes.ts';

const run = promisify(execFile);
const { services } = loadComposeFile();
const TOKEN = `wb_${randomBytes(24).toString('base64url')}`;
const NAMESPACE = `compose-${randomBytes(4).toString('hex')}`;
const secret = (): string => randomBytes(24).toString('hex');
/** What a deployer writes into .env. */
const ENV = {
  WAYBILL_POSTGRES_PASSWORD: secret(),
  TEMPORAL_POSTGRES_PASSWORD: secret(),
  SOURCE_ACCESS_KEY_ID: 'AKIDPROVIDERSOURCE',
  SOURCE_SECRET_ACCESS_KEY: secret(),
  TARGET_ACCESS_KEY_ID: 'AKIDPROVIDERTARGET',
  TARGET_SECRET_ACCESS_KEY: secret(),
  WORKER_SOURCE_ACCESS_KEY_ID: 'WBSOURCE',
  WORKER_SOURCE_SECRET_ACCESS_KEY: secret(),
  WORKER_TARGET_ACCESS_KEY_ID: 'WBTARGET',
  WORKER_TARGET_SECRET_ACCESS_KEY: secret(),
  GATEWAY_SESSION_SECRET: randomBytes(32).toString('base64'),
  WAYBILL_API_TOKEN_SHA256: createHash('sha256').update(TOKEN).digest('hex'),
};

let dir: string;
let database: TestDatabase;
let temporal: Pick<RunningTemporal, 'address' | 'child'>;
let source: StartedStore;
let target: StartedStore;
/** From what the files say to where it is here. */
let places: readonly (readonly [said: string, here: string])[];
const children = new Map<string, Child>();

before(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'waybill-compose-'));
  const keys = (name: 'SOURCE' | 'TARGET') => ({
    accessKeyId: ENV[`${name}_ACCESS_KEY_ID`],
    secretAccessKey: ENV[`${name}_SECRET_ACCESS_KEY`],
  });
  const [gateway = 0, admin = 0, worker = 0, api = 0] = await findFreePorts(4);
  [database, temporal, source, target] = await Promise.all([
    createEmptyDatabase(),
    findTemporal(),
    startStore({ buckets: ['acme-orders'], keys: [keys('SOURCE')], region: 'eu-central-1' }),
    startStore({ buckets: ['acme-orders-copy'], keys: [keys('TARGET')], region: 'fr-par' }),
  ]);
  places = [
    ['https://s3.eu-central-1.amazonaws.com', source.endpoint],
    ['https://s3.fr-par.scw.cloud', target.endpoint],
    ['0.0.0.0:9000', `127.0.0.1:${gateway}`],
    ['http://gateway:9000', `http://127.0.0.1:${gateway}`],
    ['0.0.0.0:9090', `127.0.0.1:${admin}`],
    ['127.0.0.1:9090', `127.0.0.1:${admin}`],
    ['0.0.0.0:9464', `127.0.0.1:${worker}`],
    ['127.0.0.1:9464', `127.0.0.1:${worker}`],
    ['0.0.0.0:8080', `127.0.0.1:${api}`],
    ['127.0.0.1:8080', `127.0.0.1:${api}`],
    ['temporal:7233', temporal.address],
    ['namespace: default', `namespace: ${NAMESPACE}`],
    ['/etc/waybill/waybill.yaml', path.join(dir, 'waybill.yaml')],
    [`postgres://waybill:${ENV.WAYBILL_POSTGRES_PASSWORD}@postgres:5432/waybill`, database.url],
  ];
  const said = await readFile(COMPOSE_CONFIG, 'utf8');
  // Two stores on loopback have no bucket in their host names.
  const pathStyle = said.replaceAll(/^( +)region: (eu-central-1|fr-par)$/gm, '$&\n$1addressing: path');
  await writeFile(path.join(dir, 'waybill.yaml'), toHere(pathStyle));
});

after(async () => {
  await Promise.allSettled([...children.values()].reverse().map((child) => child.stop()));
  await Promise.allSettled([source.close(), target.close(), database.drop(), temporal.child?.stop()]);
  await rm(dir, { recursive: true, force: true });
});

test(
  'the processes of docker-compose.yml come up in its order and carry a run through',
  { timeout: 900_000 },
  async () => {
    const objects = ['exports/a.json', 'exports/b c.json', 'exports/ü.json'];
    for (const key of objects) {
      const bytes = Buffer.from(`{"key":"${key}"}`);
      await source.store.put({ bucket: 'acme-orders', key, headers: { metadata: {} } }, toBody(bytes));
    }

    const setup = await runOnce('temporal-setup');
    assert.match(setup, new RegExp(`namespace ${NAMESPACE} is ready`));
    assert.match(await runOnce('temporal-setup'), /is ready/, 'the step may be done again');
    assert.match(await runOnce('migrate'), /waybill migrate: applied/);
    for (const name of ['gateway', 'worker', 'api']) await bringUp(name);

    const api = createApiClient(toHere('http://127.0.0.1:8080'), TOKEN);
    let current = await api.send<RunJson>('POST', '/v1/runs', { pipeline: 'nightly', run_id: 'compose-1' });
    while (!['done', 'partial', 'failed', 'cancelled'].includes(current.state)) {
      await sleep(200);
      current = await api.send<RunJson>('GET', `/v1/runs/${current.id}`);
    }
    assert.equal(current.state, 'done', JSON.stringify(current.failure));
    assert.equal(target.adminCounts().requests('PutObject'), objects.length + 1, 'three objects and the marker');
  },
);

test("only the gateway's process knows a provider's secret", async () => {
  for (const [name, child] of children) {
    const environment = await readFile(`/proc/${child.pid}/environ`, 'utf8');
    const knows = [ENV.SOURCE_SECRET_ACCESS_KEY, ENV.TARGET_SECRET_ACCESS_KEY].filter((one) =>
      environment.includes(one),
    );
    assert.equal(knows.length, name === 'gateway' ? 2 : 0, name);
  }
  assert.deepEqual([...children.keys()], ['gateway', 'worker', 'api']);
});

/** Starts a service and waits as `docker compose up --wait` does: until its health check passes. */
async function bringUp(name: string): Promise<void> {
  const { healthcheck, depends_on = {} } = find(name);
  for (const [other, { condition }] of Object.entries(depends_on)) {
    if (condition === 'service_healthy') assert.ok(children.has(other), `${name} waits for ${other}`);
  }
  const [file, args, env] = toCommand(name);
  children.set(
    name,
    await startChild({
      name,
      command: [file, ...args],
      env,
      logFile: path.join(dir, `${name}.log`),
      ready: /^waybill /,
    }),
  );
  const [kind, checker = '', ...checked] = healthcheck?.test ?? [];
  assert.equal(kind, 'CMD');
  for (let tries = 1; ; tries++) {
    try {
      await run(checker === 'node' ? process.execPath : checker, checked.map(toHere), { timeout: 30_000 });
      return;
    } catch (error) {
      if (tries === 30) throw error;
      await sleep(200);
    }
  }
}

/** Runs a service that ends. @throws when it ends with anything but 0 */
async function runOnce(name: string): Promise<string> {
  const [file, args, env] = toCommand(name);
  const child = spawn(file, args, {
    env: { PATH: process.env['PATH'], HOME: dir, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  assert.equal(code, 0, `${name}: ${output}`);
  return output;
}

function toCommand(name: string): [file: string, args: string[], env: Record<string, string>] {
  const { command = [], entrypoint, environment = {} } = find(name);
  const env = Object.fromEntries(
    Object.entries(environment).map(([variable, value]) => [variable, toHere(fillIn(value, ENV))]),
  );
  if (entrypoint !== undefined) {
    const [shell = '', script = ''] = entrypoint;
    const here = script.replace('/etc/waybill-temporal/', path.join(PROJECT, 'deploy/temporal/'));
    const own = {
      TEMPORAL_NAMESPACE: NAMESPACE,
      HOME: dir,
      PATH: `${path.join(dir, 'bin')}:${process.env['PATH'] ?? ''}`,
    };
    return [shell, [here], { ...env, ...own }];
  }
  // As the image's ENTRYPOINT, in the checkout.
  return [process.execPath, [path.join(PROJECT, 'cli/waybill.js'), ...command.map(toHere)], env];
}

const find = (name: string): ComposeService => services[name] ?? assert.fail(`there is no service ${name}`);

function toHere(text: string): string {
  return places.reduce((replaced, [said, here]) => replaced.replaceAll(said, here), text);
}

/** The test runner's, else one of this file's own; its command line stands on the services' PATH, as in the admin tools' image. */
async function findTemporal(): Promise<Pick<RunningTemporal, 'address' | 'child'>> {
  const binary = await findTemporalBinary(() => undefined);
  await mkdir(path.join(dir, 'bin'));
  await symlink(binary, path.join(dir, 'bin/temporal'));
  const given = process.env['WAYBILL_TEST_TEMPORAL_ADDRESS'];
  if (given !== undefined && given !== '') return { address: given, child: null };
  const [port = 0, uiPort = 0, metricsPort = 0] = await findFreePorts(3);
  const logFile = path.join(dir, 'temporal.log');
  return startTemporal({ port, uiPort, metricsPort, databaseFile: null, logFile, fast: true, say: () => undefined });
}
