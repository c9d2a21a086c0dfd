/** Who the credentials are, by an STS that checks the signature it gets; and the baseline again with the real aws CLI, where there is one. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { verifyRequest } from '../../sigv4/verify.ts';
import { examine, outcomeOf, statusOf } from '../support/examine.ts';
import { startScriptedServer } from '../support/start-scripted-server.ts';
import { startStore, TEST_CREDENTIALS } from '../support/start-store.ts';

test('STS is asked with a signature that holds for it, and says who the key is, or that it is nobody', async () => {
  const store = await startStore({ buckets: ['photos'] });
  let secret = TEST_CREDENTIALS.secretAccessKey;
  const sts = await startScriptedServer(({ method, target, headers, body }, socket) => {
    const verified = verifyRequest(nodeCrypto, {
      request: { method, path: target, query: '', headers: Object.entries(headers) },
      now: new Date(),
      region: 'us-east-1',
      service: 'sts',
      pathRule: 'standard',
      findCredentials: () => [{ ...TEST_CREDENTIALS, secretAccessKey: secret }],
      payloadHash: createHash('sha256').update(body).digest('hex'),
    });
    const text = verified.ok
      ? '<GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/tester</Arn></GetCallerIdentityResult>'
      : `<ErrorResponse><Error><Code>${verified.code}</Code><Message>no</Message></Error></ErrorResponse>`;
    socket.write(
      `HTTP/1.1 ${verified.ok ? '200 OK' : '403 Forbidden'}\r\nContent-Length: ${String(text.length)}\r\n\r\n${text}`,
    );
  });
  try {
    const options = { stsEndpoint: new URL(sts.endpoint) };
    const known = outcomeOf(await examine(store.endpoint, options), 'identity');
    assert.equal(known.status, 'ok', known.evidence.join());
    assert.match(known.evidence.join(), /arn:aws:iam::123456789012:user\/tester/);
    secret = 'another-secret';
    assert.equal(statusOf(await examine(store.endpoint, options), 'identity'), 'fail');
  } finally {
    await sts.close();
    await store.close();
  }
});

test('the aws CLI repeats the baseline, and a secret that it is refused with too is no matter of a client', async (t) => {
  let awsCli: string;
  try {
    awsCli = execFileSync('sh', ['-c', 'command -v aws'], { encoding: 'utf8' }).trim();
  } catch {
    return t.skip('there is no aws CLI here');
  }
  const store = await startStore({ buckets: ['photos'] });
  try {
    const env = { PATH: process.env['PATH'] ?? '' };
    const well = outcomeOf(await examine(store.endpoint, { awsCli, env, target: { bucket: null } }), 'aws-cli');
    assert.equal(well.status, 'ok', well.evidence.join());
    const credentials = { ...TEST_CREDENTIALS, secretAccessKey: 'not-the-secret-of-it' };
    const ill = outcomeOf(
      await examine(store.endpoint, { awsCli, env, credentials, target: { bucket: null } }),
      'aws-cli',
    );
    assert.equal(ill.status, 'fail', ill.evidence.join());
    assert.match(ill.evidence.join(), /SignatureDoesNotMatch/);
  } finally {
    await store.close();
  }
});
