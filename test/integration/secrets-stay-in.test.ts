/**
 * No secret of a provider, of a workload or of the API is in a log, a history, a row or an answer (invariant I5), after runs that went
 * well and runs that did not. The same search finds a canary that was planted in each kind of place.
 */
import assert from 'node:assert/strict';
import { appendFile, readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { listDemoObjects } from '../../dev/demo-input.ts';
import { createSessionSealer } from '../../gateway/keys/session-token.ts';
import { findSecrets, printDecoded, type Place, type Secret } from '../support/find-secrets.ts';
import { readHistories, readLogs, readTables } from '../support/read-places.ts';
import { startRunStack, type RunStack } from '../support/run-stack.ts';

const CANARY: Secret = { name: 'the canary', value: 'canary/Kq7+zz==planted-on-purpose' };

let stack: RunStack;
let secrets: Secret[];
let answers: Place[];
before(async () => {
  stack = await startRunStack({ watchGateway: true, config: { accessLog: 'all' } });
  const { storeA, storeB, workerA, workerB, apiToken, sessionSecret } = stack.secrets;
  secrets = [
    { name: "store a's secret", value: storeA.secretAccessKey },
    { name: "store b's secret", value: storeB.secretAccessKey },
    { name: "the worker's secret for a", value: workerA.secretAccessKey },
    { name: "the worker's secret for b", value: workerB.secretAccessKey },
    { name: 'the API token', value: apiToken },
    { name: 'the session secret', value: sessionSecret },
  ];
  await stack.putSource(listDemoObjects(20));
  answers = await makeTraffic();
});
after(() => stack.dispose());

/** A run that ends well, runs that fail in several ways, requests that are refused; returns what was answered to callers. */
async function makeTraffic(): Promise<Place[]> {
  const done = await stack.run('well');
  assert.equal(done.state, 'done', JSON.stringify(done.failure));
  stack.proxyA.decide = () => ({ kind: 'answer', status: 403, code: 'SignatureDoesNotMatch' });
  const refused = await stack.run('wrong-credentials');
  assert.equal(refused.failure?.type, 'bad_credentials', JSON.stringify(refused.failure));
  stack.proxyA.decide = ({ method, url }) =>
    method === 'GET' && url.includes('awkward')
      ? { kind: 'answer', status: 403, code: 'AccessDenied' }
      : { kind: 'pass' };
  await stack.storeB.delete({ bucket: 'target', key: 'copy/awkward/100%.txt' });
  const partial = await stack.run('denied');
  assert.equal(partial.state, 'partial', JSON.stringify(partial.failure));
  stack.proxyA.decide = () => ({ kind: 'pass' });

  const forged = `AWS4-HMAC-SHA256 Credential=${stack.secrets.workerA.accessKeyId}/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=${'0'.repeat(64)}`;
  const gateway = await fetch(`${stack.gatewayUrl}/source/x`, { headers: { authorization: forged } });
  const places: Place[] = [{ name: 'the answer to a forged request', text: await gateway.text() }];
  for (const route of [
    '/v1/runs',
    `/v1/runs/${done.id}`,
    `/v1/runs/${refused.id}`,
    `/v1/runs/${partial.id}/objects`,
    `/v1/runs/${partial.id}/attempts`,
    `/v1/manifests/${done.manifest_hash ?? ''}`,
    '/v1/pipelines',
    '/v1/nowhere',
    '/healthz',
    '/readyz',
    '/metrics',
    '/openapi.json',
  ]) {
    const response = await fetch(`${stack.apiUrl}${route}`, {
      headers: { authorization: `Bearer ${stack.secrets.apiToken}` },
    });
    places.push({ name: `GET ${route}`, text: `${JSON.stringify([...response.headers])}\n${await response.text()}` });
  }
  return places;
}

/** Of every session that the worker signed with: the token as it stood on the wire, and the secret that is derived from it. */
function findSessionSecrets(): Secret[] {
  const sealer = createSessionSealer(stack.secrets.sessionSecret);
  const byToken = new Map<string, string>();
  for (const { headers } of stack.proxyGateway?.requests ?? []) {
    const token = headers['x-amz-security-token'];
    const id = /Credential=([^/]+)\//.exec(headers.authorization ?? '')?.[1];
    if (typeof token !== 'string' || id === undefined) continue;
    byToken.set(token, sealer.open(id, token)?.credentials.secretAccessKey ?? assert.fail('not one of this gateway'));
  }
  return [...byToken].flatMap(([token, secret], index) => [
    { name: `the token of session ${index}`, value: token },
    { name: `the secret of session ${index}`, value: secret },
  ]);
}

test('no secret is in a log, a history, a row or an answer', async () => {
  const [logs, histories, tables] = await Promise.all([readLogs(stack), readHistories(stack), readTables(stack)]);
  assert.ok(logs.length >= 5, 'every process has a log');
  assert.ok(histories.length >= 3, 'every run has a history');
  assert.ok(
    tables.some(({ name, text }) => name === 'table delivery' && text.length > 0),
    'the ledger has rows',
  );
  const sessions = findSessionSecrets();
  assert.ok(sessions.length >= 2 * 2 * 2, 'each run had a session for each store');
  assert.deepEqual(findSecrets([...answers, ...logs, ...histories, ...tables], [...secrets, ...sessions]), []);
});

test('in the access log of the gateway every request of a run names it, and is signed by a session of it', async () => {
  const log = await readFile(path.join(stack.stateDir, 'logs', 'gateway.log'), 'utf8');
  const lines = log
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
    .filter(({ msg, operation, key }) => msg === 'request' && operation !== 'Session' && key !== '');
  const runs = new Set(
    (await stack.api.send<{ items: { id: string }[] }>('GET', '/v1/runs')).items.map(({ id }) => id),
  );
  assert.ok(lines.length > 40, `${lines.length} requests`);
  assert.ok(runs.size >= 3);
  const byKeys = [stack.secrets.workerA, stack.secrets.workerB].map(({ accessKeyId }) => accessKeyId);
  for (const line of lines) {
    // Of the sweeper, and of whoever forges requests in these tests.
    if (
      byKeys.includes(String(line['accessKeyId'])) &&
      (line['code'] !== '' || line['operation'] === 'AbortMultipartUpload')
    )
      continue;
    assert.ok(runs.has(String(line['run'])), JSON.stringify(line));
    assert.match(String(line['accessKeyId']), /^WBSESSION/);
  }
});

test('a process knows the secrets that it needs and no other', async () => {
  const knows: Record<string, readonly string[]> = {
    'store-a': ["store a's secret"],
    'store-b': ["store b's secret"],
    gateway: [
      "store a's secret",
      "store b's secret",
      "the worker's secret for a",
      "the worker's secret for b",
      'the session secret',
    ],
    worker: ["the worker's secret for a", "the worker's secret for b"],
    api: [],
  };
  for (const [name, expected] of Object.entries(knows)) {
    const { pid } = stack.child(name as 'worker');
    const environment = (await readFile(`/proc/${pid}/environ`, 'utf8')).replaceAll('\0', '\n');
    const found = secrets.filter(({ value }) => environment.includes(value)).map((secret) => secret.name);
    assert.deepEqual(found, expected, name);
  }
});

test('the same search finds a canary in a log, a history and a row, in whatever form', async () => {
  await appendFile(path.join(stack.stateDir, 'logs', 'worker.log'), `{"msg":"${CANARY.value}"}\n`);
  assert.deepEqual(findSecrets(await readLogs(stack), [CANARY]), [
    'log worker.log: the canary as plain text',
    'log worker.log: the canary as a JSON string',
  ]);

  await stack.api.send('POST', '/v1/runs', { pipeline: 'a-to-b', run_id: 'canary-1' });
  const client = new pg.Client({ connectionString: stack.databaseUrl });
  await client.connect();
  await client.query(`insert into audit (principal, action, subject, detail) values ('x', 'x', $1, '{}')`, [
    Buffer.from(CANARY.value).toString('hex'),
  ]);
  await client.end();
  assert.deepEqual(findSecrets(await readTables(stack), [CANARY]), ['table audit: the canary as hex']);

  const payload = { data: Buffer.from(JSON.stringify({ note: CANARY.value })).toString('base64') };
  assert.ok(findSecrets([{ name: 'history', text: printDecoded({ payloads: [payload] }) }], [CANARY]).length > 0);
  for (const shift of ['', 'x', 'xy']) {
    const text = Buffer.from(`${shift}${CANARY.value} and more`).toString('base64');
    assert.ok(findSecrets([{ name: 'base64', text }], [CANARY]).length > 0, `base64 behind ${shift.length} bytes`);
  }
});
