/** Invariant I5: no secret gets out, after runs that went well and runs that went wrong in every way that has to do with secrets. */
import assert from 'node:assert/strict';
import { appendFile, readdir, readFile, truncate, stat } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import pg from 'pg';
import { startChild, type Child } from '../../dev/child.ts';
import { waybillCommand } from '../../dev/entry.ts';
import { toEnvironments, type ProcessName } from '../../dev/secrets.ts';
import { createS3Store } from '../../stores/s3/s3-store.ts';
import { catchFailure } from '../support/catch-failure.ts';
import { findSecrets, withDecoded } from '../support/find-secrets.ts';
import { startRunStack, type RunStack } from '../support/run-stack.ts';
import { runWaybill } from '../support/run-waybill.ts';
import { until } from '../support/until.ts';

const WRONG = 'not/the+secret=of-store-b/but-one-as-long';
const PROCESSES: readonly ProcessName[] = ['store-a', 'store-b', 'gateway', 'worker', 'api'];

let stack: RunStack;
let connection: Connection;
let client: Client;
let database: pg.Client;
let taskQueue: string;
let secrets: Record<string, string>;
/** What processes and people were answered. */
const said = new Map<string, string>();

before(async () => {
  stack = await startRunStack();
  taskQueue = path.basename(stack.stateDir);
  secrets = {
    'provider a': stack.secrets.storeA.secretAccessKey,
    'provider b': stack.secrets.storeB.secretAccessKey,
    'wrong provider b': WRONG,
    'workload a': stack.secrets.workerA.secretAccessKey,
    'workload b': stack.secrets.workerB.secretAccessKey,
    'API token': stack.secrets.apiToken,
    'database password': new URL(stack.databaseUrl).password,
  };
  connection = await Connection.connect({ address: stack.temporalAddress });
  client = new Client({ connection });
  database = new pg.Client({ connectionString: stack.databaseUrl });
  await database.connect();
  const headers = { contentType: 'text/plain', metadata: { origin: 'a' } };
  await stack.putSource(['one', 'two'].map((key) => ({ key, sizeBytes: 100, headers })));
  await runEverything();
});
after(async () => {
  await database.end();
  await connection.close();
  await stack.dispose();
});

async function runEverything(): Promise<void> {
  const done = await stack.run('done');
  assert.equal(done.state, 'done');
  await stack.run('done');

  // The provider refuses our signature, really: the gateway has another secret than the store.
  await stack.child('gateway').stop();
  const misled = await startMisledGateway();
  const denied = await stack.run('wrong-credentials');
  assert.equal(denied.state, 'failed', JSON.stringify(denied.failure));
  await misled.stop();
  await stack.start('gateway');

  // The gateway refuses the workload's.
  const intruder = createS3Store({
    name: 'intruder',
    endpoint: stack.gatewayUrl,
    region: 'us-east-1',
    addressing: 'path',
    credentials: () => ({ accessKeyId: stack.secrets.workerA.accessKeyId, secretAccessKey: WRONG }),
    requestLimitMs: 5000,
    connectionsMax: 1,
    etags: 'md5',
  });
  const refused = await catchFailure('bad_credentials', intruder.list({ bucket: 'source', prefix: '' }));
  said.set('a refused signature', `${String(refused)} ${JSON.stringify(refused)}`);
  await intruder.close();

  // The store is down: the run waits for it, until somebody has enough of that.
  await stack.child('store-a').stop();
  const { id } = await stack.begin('store-down', { again: true });
  await until(async () => (await readLogs()).get('log worker')?.includes('run:a-to-b:store-down') === true);
  await until(async () => /"type":"store_unreachable"/.test((await readLogs()).get('log worker') ?? ''));
  await stack.api.send('POST', `/v1/runs/${id}/cancel`);
  assert.equal((await stack.waitFor(id)).state, 'cancelled');
  await stack.start('store-a');

  const environment = { WAYBILL_URL: stack.apiUrl, WAYBILL_TOKEN: `${stack.secrets.apiToken}x` };
  const cli = await runWaybill(['runs', 'list'], { env: environment });
  said.set('the command line with a wrong token', cli.stdout + cli.stderr);
}

function startMisledGateway(): Promise<Child> {
  const storeB = { ...stack.secrets.storeB, secretAccessKey: WRONG };
  return startChild({
    name: 'gateway',
    command: waybillCommand('gateway', '--config', stack.configFile),
    env: toEnvironments({ ...stack.secrets, storeB }, stack.databaseUrl).gateway,
    logFile: path.join(stack.stateDir, 'logs/gateway.log'),
    ready: /waybill gateway: listening/,
  });
}

async function readLogs(): Promise<Map<string, string>> {
  const directory = path.join(stack.stateDir, 'logs');
  const files = await readdir(directory);
  return new Map(
    await Promise.all(
      files.map(async (file): Promise<[string, string]> => {
        const text = await readFile(path.join(directory, file), 'utf8');
        return [`log ${path.basename(file, '.log')}`, text];
      }),
    ),
  );
}

/** Histories, memos and what is set beside them, of every workflow of this stack; what is base64 in them, in plain as well. */
async function readHistories(): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for await (const { workflowId, runId, memo } of client.workflow.list({ query: `TaskQueue = '${taskQueue}'` })) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    texts.set(`history ${workflowId} ${runId}`, withDecoded(historyToJSON(history)) + JSON.stringify(memo));
  }
  return texts;
}

async function readTables(): Promise<Map<string, string>> {
  const { rows } = await database.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'public' order by 1`,
  );
  const texts = new Map<string, string>();
  for (const { name } of rows) {
    const table = await database.query<{ row: string }>(`select t::text as row from "${name}" t`);
    texts.set(`table ${name}`, table.rows.map(({ row }) => row).join('\n'));
  }
  return texts;
}

/** Every GET route that the API documents, for each run and manifest, and for ones that there are not. */
async function readAnswers(): Promise<Map<string, string>> {
  const { paths } = (await (await fetch(`${stack.apiUrl}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, unknown>>;
  };
  const { items } = await stack.api.send<{ items: { id: string; manifest_hash: string | null }[] }>('GET', '/v1/runs');
  const values: Record<string, string[]> = {
    id: [...items.map(({ id }) => id), '00000000-0000-4000-8000-000000000000', 'x'],
    hash: [...items.flatMap(({ manifest_hash }) => manifest_hash ?? []), '0'.repeat(64), 'x'],
  };
  const routes = Object.entries(paths).flatMap(([route, methods]) => ('get' in methods ? [route] : []));
  const urls = [...routes, '/openapi.json', '/metrics', '/docs'].flatMap((route) => {
    const name = /\{(\w+)\}/.exec(route)?.[1];
    if (name === undefined) return [route];
    const fillers = values[name];
    assert.ok(fillers !== undefined, `this test knows no value for ${route}`);
    return fillers.map((value) => route.replace(`{${name}}`, value));
  });
  const texts = new Map<string, string>();
  for (const url of new Set(urls)) {
    for (const authorization of [`Bearer ${stack.secrets.apiToken}`, 'Bearer wrong', '']) {
      const response = await fetch(stack.apiUrl + url, { headers: authorization === '' ? {} : { authorization } });
      const headers = JSON.stringify([...response.headers]);
      texts.set(`GET ${url} ${authorization.length} ${response.status}`, headers + withDecoded(await response.text()));
    }
  }
  return texts;
}

async function readEverything(): Promise<Map<string, string>> {
  const config = await readFile(stack.configFile, 'utf8');
  const places = [await readLogs(), await readHistories(), await readTables(), await readAnswers(), said];
  return new Map([...places.flatMap((texts) => [...texts]), ['the configuration', config]]);
}

test('no secret is in a log, a history, a row, an answer or an error', async () => {
  await until(async () => (await readHistories()).size >= 4);
  const everything = await readEverything();
  const kinds = new Set([...everything.keys()].map((place) => place.split(' ')[0]));
  assert.deepEqual([...kinds].sort(), ['GET', 'a', 'history', 'log', 'table', 'the']);
  for (const name of PROCESSES) assert.ok((everything.get(`log ${name}`) ?? '').length > 100, `${name} has logged`);
  assert.match(everything.get('log gateway') ?? '', /SignatureDoesNotMatch/, 'a provider refused our signature');
  assert.match([...everything.values()].join(), /bad_credentials/);
  assert.deepEqual(findSecrets(everything, secrets), []);
});

test('the same search finds a canary in a log, a history and a row, in any form', async () => {
  const secret = stack.secrets.storeB.secretAccessKey;
  const bytes = Buffer.from(secret);
  const log = path.join(stack.stateDir, 'logs/gateway.log');
  const { size } = await stat(log);
  await appendFile(log, `{"msg":"${encodeURIComponent(secret)}"}\n`);
  const planted = await client.workflow.start('nobody', {
    workflowId: `canary-${taskQueue}`,
    taskQueue: `${taskQueue}-canary`,
    memo: { canary: `the key is ${secret}.` },
  });
  const outcome = `insert into outcome (attempt, key, code, detail) select id, 'canary', 'orphan', $1 from attempt limit 1`;
  await database.query(outcome, [`0${bytes.toString('hex').toUpperCase()}`]);
  said.set('an answer', `before ${Buffer.from(`xy${secret}z`).toString('base64url')} after`);
  taskQueue = `${taskQueue}-canary`;
  try {
    await until(async () => (await readHistories()).size > 0);
    const found = findSecrets(await readEverything(), secrets);
    const places = new Set(found.map(({ place }) => place.split(' ')[0]));
    assert.deepEqual(new Set(found.map((one) => one.secret)), new Set(['provider b']));
    assert.deepEqual([...places].sort(), ['GET', 'an', 'history', 'log', 'table'].sort());
  } finally {
    taskQueue = taskQueue.replace('-canary', '');
    await planted.terminate();
    await truncate(log, size);
    await database.query(`delete from outcome where key = 'canary'`);
    said.delete('an answer');
  }
});

test('a process has the secrets that it needs, and no other', async () => {
  const needed: Record<(typeof PROCESSES)[number], readonly string[]> = {
    'store-a': ['provider a'],
    'store-b': ['provider b'],
    gateway: ['provider a', 'provider b', 'workload a', 'workload b'],
    worker: ['workload a', 'workload b', 'database password'],
    api: ['database password'],
  };
  for (const name of PROCESSES) {
    const { pid } = stack.child(name);
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1');
    const found = findSecrets(new Map([[name, environment]]), secrets);
    assert.deepEqual([...new Set(found.map(({ secret }) => secret))].sort(), [...needed[name]].sort(), name);
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'latin1');
    assert.deepEqual(findSecrets(new Map([[name, commandLine]]), secrets), [], `${name}'s command line`);
  }
});
