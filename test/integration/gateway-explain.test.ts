/** With `gateway.explain: true` the operator reads why a signature did not match; the caller and everybody else read nothing more than before. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { createRefusalExplainer, type RefusalFinding } from '../../gateway/admin/explain-refusals.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { providerStore, startGateway, toCallerCredentials, type StartedGateway } from '../support/start-gateway.ts';
import { send, sign, type Answer } from '../support/signed-request.ts';
import { startRewritingProxy } from '../support/start-rewriting-proxy.ts';
import { startStore, TEST_CREDENTIALS, type StartedStore } from '../support/start-store.ts';
import { until } from '../support/until.ts';

interface Listed {
  readonly refusals: readonly { readonly code: string; readonly finding?: RefusalFinding }[];
}
const TOKEN = 'a-token-of-the-admin-listener';

describe('gateway.explain', () => {
  let store: StartedStore;
  let gateway: StartedGateway;
  const start = async (explain: boolean): Promise<void> => {
    gateway = await startGateway({
      stores: [providerStore(store.endpoint, { region: 'us-east-1' })],
      keys: [{ name: 'worker' }],
      gateway: { explain, adminListen: { host: '127.0.0.1', port: 0 }, adminToken: 'env:ADMIN' },
      secrets: {
        ADMIN: TOKEN,
        PROVIDER_ID: TEST_CREDENTIALS.accessKeyId,
        PROVIDER_SECRET: TEST_CREDENTIALS.secretAccessKey,
      },
    });
  };
  const listRefusals = async (): Promise<{ text: string; refusals: Listed['refusals'] }> => {
    const answer = await fetch(`${gateway.adminUrl ?? ''}/refusals`, { headers: { authorization: `Bearer ${TOKEN}` } });
    const text = await answer.text();
    return { text, ...(JSON.parse(text) as Listed) };
  };
  const sendRewritten = (at = new Date()): Promise<Answer> =>
    send(gateway.caller('worker'), {
      at,
      method: 'GET',
      target: '/photos?list-type=2',
      headers: [['content-type', 'text/plain']],
      tamper: (headers) =>
        headers.map(([name, value]) => [name, name === 'content-type' ? 'text/plain; charset=utf-8' : value]),
    });

  beforeEach(async () => {
    store = await startStore({ buckets: ['photos'] });
  });
  afterEach(async () => {
    await gateway.close();
    await store.close();
  });

  test('a rewritten header is named in the log and at /refusals, and neither holds the secret or the right signature', async () => {
    await start(true);
    const at = new Date();
    const answer = await sendRewritten(at);
    assert.equal(answer.code, 'SignatureDoesNotMatch');
    await until(async () => (await listRefusals()).refusals[0]?.finding !== undefined);
    const { text, refusals } = await listRefusals();
    assert.equal(refusals[0]?.finding?.id, 'content-type-rewritten', text);
    const lines = gateway.logged.join('\n');
    assert.match(lines, /refused signature explained[\s\S]*content-type-rewritten/);
    const { secretAccessKey } = toCallerCredentials('worker');
    const right = sign(gateway.caller('worker'), {
      at,
      method: 'GET',
      target: '/photos?list-type=2',
      headers: [['content-type', 'text/plain; charset=utf-8']],
    });
    const signature =
      /Signature=([0-9a-f]+)/.exec(right.headers.find(([name]) => name === 'authorization')?.[1] ?? '')?.[1] ?? '';
    assert.ok(signature.length === 64);
    for (const where of [text, lines, answer.text]) {
      assert.ok(!where.includes(secretAccessKey));
      assert.ok(!where.includes(signature));
    }
    assert.ok(!answer.text.includes('content-type-rewritten'), 'the caller is told what S3 tells, and no more');
  });

  test('a proxy before the gateway that rewrites Host is named', async () => {
    await start(true);
    const port = Number(new URL(gateway.url).port);
    const proxy = await startRewritingProxy(port, {
      request: (passing) => {
        for (const header of passing.headers) {
          if (header[0].toLowerCase() !== 'host') continue;
          passing.headers.push(['X-Forwarded-Host', header[1]]);
          header[1] = `127.0.0.1:${String(port)}`;
        }
      },
    });
    try {
      const caller = { ...gateway.caller('worker'), port: proxy.port } as StartedStore;
      assert.equal(
        (await send(caller, { method: 'GET', target: '/photos?list-type=2' })).code,
        'SignatureDoesNotMatch',
      );
      await until(async () => (await listRefusals()).refusals[0]?.finding !== undefined);
      assert.equal((await listRefusals()).refusals[0]?.finding?.id, 'host-rewritten');
    } finally {
      await proxy.close();
    }
  });

  test('without it nothing is searched', async () => {
    await start(false);
    await sendRewritten();
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal((await listRefusals()).refusals[0]?.finding, undefined);
    assert.ok(!gateway.logged.some((line) => line.includes('explained')));
  });

  test('one search a second at most, the others are said to be not examined, and none for a key that nobody has', async () => {
    await start(false);
    let nowMs = 0;
    const found: string[] = [];
    const skipped: string[] = [];
    const logged: string[] = [];
    const explain = createRefusalExplainer({
      crypto: nodeCrypto,
      logger: {
        debug: () => undefined,
        info: (fields: object, message?: string) => logged.push(`${message ?? ''} ${JSON.stringify(fields)}`),
        warn: () => undefined,
        error: () => undefined,
      },
      isOn: () => true,
      clock: () => nowMs,
      onFinding: (requestId, { id }) => (id === 'not-examined' ? skipped : found).push(requestId),
    });
    const caller = gateway.caller('worker');
    const { headers } = sign(caller, { method: 'GET', target: '/photos', headers: [['content-type', 'text/plain']] });
    const request = {
      method: 'GET',
      path: '/photos',
      query: '',
      headers: headers.map(([name, value]): [string, string] => [
        name,
        name === 'content-type' ? 'text/plain; charset=utf-8' : value,
      ]),
    };
    const credentials = [toCallerCredentials('worker')];
    for (const requestId of ['a', 'b', 'c']) explain({ requestId, request, credentials });
    await until(async () => found.length > 0);
    explain({ requestId: 'd', request, credentials });
    nowMs = 1_500;
    explain({ requestId: 'nobody', request, credentials: [] });
    await new Promise((resolve) => setTimeout(resolve, 20));
    explain({ requestId: 'e', request, credentials });
    await until(async () => found.length > 1);
    assert.deepEqual(found, ['a', 'e']);
    await until(async () => skipped.length > 2);
    assert.deepEqual(skipped, ['b', 'c', 'd']);
    const lines = logged.filter((line) => line.includes('not examined: too many'));
    // One line, unless the machine stood still for a second in between.
    for (const requestId of skipped) assert.ok(lines.some((line) => line.includes(`"${requestId}"`)));
  });
});
