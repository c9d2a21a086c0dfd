/** An answer that nobody earned with a signature proves nothing: the doctor changes one digit of it, and where the answer stays the same it could not run. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { examine, outcomeOf, statusOf, withStatus } from '../support/examine.ts';
import { startRewritingProxy } from '../support/start-rewriting-proxy.ts';
import { printAnswer, printError, startScriptedServer } from '../support/start-scripted-server.ts';
import { startStore, TEST_CREDENTIALS } from '../support/start-store.ts';

const CLAIMING = ['key', 'rewrite', 'baseline'];
const NOBODY = /the same answer: nobody looked at the signature/;

function assertNothingClaimed(report: Awaited<ReturnType<typeof examine>>): void {
  for (const id of CLAIMING) {
    assert.equal(statusOf(report, id), 'could not run', JSON.stringify(outcomeOf(report, id)));
    assert.match(outcomeOf(report, id).evidence.join('\n'), NOBODY);
  }
  assert.doesNotMatch(JSON.stringify(report.checks), /signature holds|each signature held/);
  assert.doesNotMatch(report.verdict.sentence, /a signed request holds/);
}

test('a proxy that takes Authorization out: AccessDenied is no proof of a signature, and nothing is settled', async () => {
  const store = await startStore({ buckets: ['photos'] });
  const proxy = await startRewritingProxy(store.port, {
    request: (passing) =>
      void (passing.headers = passing.headers.filter(([name]) => name.toLowerCase() !== 'authorization')),
  });
  try {
    for (const secretAccessKey of [TEST_CREDENTIALS.secretAccessKey, 'not-the-secret']) {
      const report = await examine(proxy.url, { credentials: { ...TEST_CREDENTIALS, secretAccessKey } });
      assertNothingClaimed(report);
      assert.notEqual(statusOf(report, 'region'), 'ok');
      assert.notEqual(statusOf(report, 'addressing'), 'ok');
      assert.match(report.verdict.sentence, /^Not settled: .*403 AccessDenied, the same answer: nobody looked/);
      assert.equal(report.verdict.exitCode, 3);
    }
  } finally {
    await proxy.close();
    await store.close();
  }
});

test('a login page that says 200 to everything is no store that took a signature', async () => {
  const page = '<html>Hotel WLAN: please log in</html>';
  const server = await startScriptedServer((_request, socket) =>
    socket.write(printAnswer(200, { 'content-type': 'text/html', date: new Date().toUTCString() }, page)),
  );
  try {
    const report = await examine(server.endpoint);
    assertNothingClaimed(report);
    assert.equal(statusOf(report, 'region'), 'could not run');
    assert.deepEqual(withStatus(report, 'ok'), ['endpoint', 'reach', 'clock', 'credentials', 'sigv2']);
    assert.equal(report.verdict.isOutage, null);
    assert.equal(report.verdict.exitCode, 3);
  } finally {
    await server.close();
  }
});

test('a redirect comes before the signature is read: the region is told, and the key is not called good', async () => {
  const server = await startScriptedServer((_request, socket) =>
    socket.write(
      printError(301, 'PermanentRedirect', { 'x-amz-bucket-region': 'eu-west-1', date: new Date().toUTCString() }),
    ),
  );
  try {
    const report = await examine(server.endpoint);
    assertNothingClaimed(report);
    assert.match(report.verdict.sentence, /bucket photos is in eu-west-1/);
  } finally {
    await server.close();
  }
});

test('the control probe goes out once where a signature seems to hold, and never where it was refused', async () => {
  const store = await startStore({ buckets: ['photos'] });
  let seen = new Set<string>();
  const proxy = await startRewritingProxy(store.port, {
    request: ({ headers }) => {
      const [, value = ''] = headers.find(([name]) => name.toLowerCase() === 'authorization') ?? [];
      const signature = /Signature=(\w+)/.exec(value)?.[1];
      if (signature !== undefined) seen.add(signature);
    },
  });
  const countControls = (): number => seen.size - new Set([...seen].map((one) => one.slice(0, -1))).size;
  const now = new Date();
  try {
    const held = await examine(proxy.url, { now: () => now });
    assert.equal(held.verdict.exitCode, 0, held.verdict.sentence);
    assert.match(
      outcomeOf(held, 'key').evidence.join(),
      /one digit of the signature changed: 403 SignatureDoesNotMatch/,
    );
    assert.equal(countControls(), 1);
    seen = new Set();
    const credentials = { ...TEST_CREDENTIALS, secretAccessKey: 'not-the-secret' };
    assert.equal(statusOf(await examine(proxy.url, { now: () => now, credentials }), 'key'), 'fail');
    assert.ok(seen.size > 2);
    assert.equal(countControls(), 0);
  } finally {
    await proxy.close();
    await store.close();
  }
});
