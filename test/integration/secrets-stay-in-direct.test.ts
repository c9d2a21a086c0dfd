/**
 * With direct traffic the worker speaks to the stores, and still knows no secret of theirs (invariant I5): not in its environment, a log, a
 * history or a row, after runs that went well and runs that did not; and nothing that it was given lasts.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { MiB } from '../../core/limits.ts';
import { listDemoObjects } from '../../dev/demo-input.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { deriveSigningKey } from '../../sigv4/signing-key.ts';
import { findSecrets, type Place, type Secret } from '../support/find-secrets.ts';
import { readHistories, readLogs, readTables } from '../support/read-places.ts';
import { PATIENT, startRunStack, type RunStack } from '../support/run-stack.ts';

let stack: RunStack;
let secrets: Secret[];
before(async () => {
  stack = await startRunStack({
    watchGateway: true,
    config: { ...PATIENT, accessLog: 'all', traffic: 'direct' },
  });
  const { storeA, storeB, workerA, workerB, apiToken, sessionSecret } = stack.secrets;
  secrets = [
    { name: "store a's secret", value: storeA.secretAccessKey },
    { name: "store b's secret", value: storeB.secretAccessKey },
    { name: "the worker's secret for a", value: workerA.secretAccessKey },
    { name: "the worker's secret for b", value: workerB.secretAccessKey },
    { name: 'the API token', value: apiToken },
    { name: 'the session secret', value: sessionSecret },
  ];
  await stack.putSource([
    ...listDemoObjects(20),
    { key: 'parts', sizeBytes: 17 * MiB, headers: { contentType: 'text/plain', metadata: {} } },
  ]);
});
after(() => stack.dispose());

/** Signatures that stood on the wire, and the keys that made them. */
function listSignatures(): Secret[] {
  const found = new Map<string, Secret>();
  for (const [store, proxy, secret] of [
    ['a', stack.proxyA, stack.secrets.storeA.secretAccessKey],
    ['b', stack.proxyB, stack.secrets.storeB.secretAccessKey],
  ] as const) {
    for (const { headers } of proxy.requests) {
      const [, date, region, signature] =
        /Credential=[^/]+\/(\d{8})\/([^/]+)\/s3\/.*Signature=([0-9a-f]{64})/.exec(headers.authorization ?? '') ?? [];
      if (date === undefined || region === undefined || signature === undefined) continue;
      found.set(signature, { name: `a signature for ${store}`, value: signature });
      const key = Buffer.from(deriveSigningKey(nodeCrypto, secret, { date, region, service: 's3' })).toString('hex');
      found.set(key, { name: `a signing key of ${store}`, value: key });
    }
  }
  return [...found.values()];
}

test('runs go straight to the stores, and leave no secret, no signature and no signing key anywhere', async () => {
  const done = await stack.run('well');
  assert.equal(done.state, 'done', JSON.stringify(done.failure));
  const passed = (stack.proxyGateway?.requests ?? []).filter(({ url }) => url !== '/sign' && url !== '/session');
  // The sweeper may have looked for uploads of attempts that died, which it has signed too.
  assert.deepEqual(
    passed.map(({ method, url }) => `${method} ${url}`),
    [],
    'nothing but questions went to the gateway',
  );
  const { a, b } = await stack.counts();
  assert.ok(a.bytesOut > 17 * MiB && b.bytesIn > 17 * MiB);

  stack.proxyA.decide = () => ({ kind: 'answer', status: 403, code: 'SignatureDoesNotMatch' });
  const refused = await stack.run('wrong-credentials');
  assert.equal(refused.failure?.type, 'bad_credentials', JSON.stringify(refused.failure));
  stack.proxyA.decide = () => ({ kind: 'pass' });

  const answers: Place[] = [];
  for (const route of [`/v1/runs/${done.id}`, `/v1/runs/${refused.id}`, '/metrics']) {
    const headers = { authorization: `Bearer ${stack.secrets.apiToken}` };
    answers.push({ name: `GET ${route}`, text: await (await fetch(`${stack.apiUrl}${route}`, { headers })).text() });
  }
  const [logs, histories, tables] = await Promise.all([readLogs(stack), readHistories(stack), readTables(stack)]);
  assert.ok(logs.some(({ name, text }) => name === 'log gateway.log' && text.includes('requests signed')));
  assert.ok(histories.length >= 2 && tables.some(({ name, text }) => name === 'table delivery' && text !== ''));
  const signatures = listSignatures();
  assert.ok(signatures.length > 40);
  assert.deepEqual(findSecrets([...answers, ...logs, ...histories, ...tables], [...secrets, ...signatures]), []);
});

test('the worker knows its own keys and no other', async () => {
  const environment = (await readFile(`/proc/${stack.child('worker').pid}/environ`, 'utf8')).replaceAll('\0', '\n');
  const found = secrets.filter(({ value }) => environment.includes(value)).map(({ name }) => name);
  assert.deepEqual(found, ["the worker's secret for a", "the worker's secret for b"]);
});
