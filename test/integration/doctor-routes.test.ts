/** Where the doctor's requests go: through the proxy that is set and no other way, and never after a redirect with a signature in hand. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { examine, outcomeOf, statusOf } from '../support/examine.ts';
import { printAnswer, printError, startScriptedServer } from '../support/start-scripted-server.ts';
import { startSocksProxy } from '../support/start-proxy.ts';
import { startStore, type StartedStore } from '../support/start-store.ts';

describe('the ways of the doctor', () => {
  let store: StartedStore;
  before(async () => {
    store = await startStore({ buckets: ['photos'] });
  });
  after(() => store.close());

  for (const [status, code] of [
    [301, 'PermanentRedirect'],
    [307, 'TemporaryRedirect'],
  ] as const) {
    test(`a ${String(status)} is read for its region and not followed`, async () => {
      const elsewhere = await startScriptedServer((_request, socket) => socket.end(printAnswer(200, {})));
      const server = await startScriptedServer((_request, socket) =>
        socket.end(
          printError(status, code, {
            location: `${elsewhere.endpoint}/photos`,
            'x-amz-bucket-region': 'eu-west-1',
            connection: 'close',
          }),
        ),
      );
      try {
        const report = await examine(server.endpoint);
        const region = outcomeOf(report, 'region');
        assert.equal(region.status, 'fail');
        assert.match(region.cause ?? '', /signed for us-east-1, and bucket photos is in eu-west-1/);
        assert.equal(report.verdict.exitCode, 1);
        assert.notEqual(statusOf(report, 'baseline'), 'ok');
        assert.ok(server.requests.some(({ headers }) => headers['authorization'] !== undefined));
        assert.equal(elsewhere.requests.length, 0, 'a signed request went where the answer pointed');
      } finally {
        await server.close();
        await elsewhere.close();
      }
    });
  }

  test('the proxy of the environment carries every request, by name', async () => {
    const user = { name: 'walker', password: 'canary-of-the-proxy' };
    const proxy = await startSocksProxy({ to: store.port, user });
    try {
      const report = await examine('http://store.test.example:9000', {
        env: { ALL_PROXY: `socks5://${user.name}:${user.password}@127.0.0.1:${String(proxy.port)}` },
        // Behind the proxy the name means something; here it must not be asked for.
        resolve: () => Promise.reject(new Error('resolved here')),
      });
      assert.equal(report.verdict.exitCode, 3, 'plain HTTP beyond loopback is worth a warning');
      assert.equal(statusOf(report, 'baseline'), 'ok');
      assert.ok(proxy.asked.length > 3);
      // The second is the other addressing style, which is tried, too.
      const names = ['photos.store.test.example:9000', 'store.test.example:9000'];
      assert.deepEqual([...new Set(proxy.asked)].sort(), names);
      assert.match(outcomeOf(report, 'rewrite').evidence.join('\n'), /ALL_PROXY/);
      assert.ok(!JSON.stringify(report).includes(user.password));
    } finally {
      await proxy.close();
    }
  });

  test('a proxy that is down is told apart from a store that is, and nothing goes around it', async () => {
    const proxy = await startSocksProxy({ to: store.port });
    await proxy.close();
    store.resetCounts();
    const report = await examine(store.endpoint, { env: { ALL_PROXY: `socks5://127.0.0.1:${String(proxy.port)}` } });
    assert.equal(report.verdict.exitCode, 4);
    const reach = outcomeOf(report, 'reach');
    assert.equal(reach.status, 'fail');
    assert.match(`${reach.cause ?? ''} ${reach.evidence.join(' ')}`, /proxy/i);
    assert.equal(store.adminCounts().records.length, 0);
  });

  test('NO_PROXY is heeded', async () => {
    const env = { ALL_PROXY: 'socks5://127.0.0.1:1', NO_PROXY: '127.0.0.1' };
    const report = await examine(store.endpoint, { env });
    assert.equal(statusOf(report, 'baseline'), 'ok', report.verdict.sentence);
  });
});
