/** The doctor over real stores with everything that is wrong on the caller's side, one thing at a time: each is named with its mend. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { NamedOutcome } from '../../doctor/judge.ts';
import { createCertificate } from '../support/create-certificate.ts';
import { examine, outcomeOf, statusOf, withStatus } from '../support/examine.ts';
import { runWaybill } from '../support/run-waybill.ts';
import { providerStore, startGateway } from '../support/start-gateway.ts';
import { send } from '../support/signed-request.ts';
import { startStore, TEST_CREDENTIALS, type StartedStore } from '../support/start-store.ts';

/** Every mend is a whole runbook entry. */
function assertRunbook({ mends, id }: NamedOutcome): void {
  assert.ok(mends.length > 0, `${id} has no mend`);
  for (const mend of mends)
    for (const [field, text] of Object.entries(mend)) assert.ok(String(text).length > 2, `${id}.${field}`);
}

describe('the doctor', () => {
  let store: StartedStore;
  let scratch: string;
  before(async () => {
    store = await startStore({ buckets: ['photos'] });
    scratch = await mkdtemp(path.join(tmpdir(), 'waybill-doctor-'));
  });
  after(async () => {
    await store.close();
    await rm(scratch, { recursive: true });
  });

  test('a healthy store: no check fails or warns, what could not run is not ok, and it is not an outage', async () => {
    const report = await examine(store.endpoint);
    assert.deepEqual(withStatus(report, 'fail').concat(withStatus(report, 'warn')), []);
    assert.deepEqual(withStatus(report, 'could not run'), ['identity', 'capabilities', 'aws-cli']);
    assert.equal(report.verdict.exitCode, 0);
    assert.match(report.verdict.sentence, /^Not an outage: a signed request holds/);
    assert.ok(
      store.adminCounts().records.every(({ operation }) => operation !== 'PutObject'),
      'nothing was written unasked',
    );
  });

  test('a wrong region is named from the answer, and the rest is tried with the right one', async () => {
    const report = await examine(store.endpoint, { target: { region: 'eu-west-1' } });
    const region = outcomeOf(report, 'region');
    assert.equal(region.status, 'fail');
    assert.match(region.cause ?? '', /signed for eu-west-1, and bucket photos is in us-east-1/);
    assert.equal(statusOf(report, 'baseline'), 'ok', 'one variable at a time');
    assert.equal(report.verdict.exitCode, 1);
    assertRunbook(region);
  });

  test('a secret that ends with a newline is seen, and proved by the request that holds without it', async () => {
    const secretAccessKey = `${TEST_CREDENTIALS.secretAccessKey}\n`;
    const report = await examine(store.endpoint, { credentials: { ...TEST_CREDENTIALS, secretAccessKey } });
    assert.match(outcomeOf(report, 'credentials').cause ?? '', /AWS_SECRET_ACCESS_KEY ends with a newline/);
    assert.match(outcomeOf(report, 'key').cause ?? '', /^proved: /);
    assert.equal(report.verdict.side, 'yours');
    assertRunbook(outcomeOf(report, 'credentials'));
    assertRunbook(outcomeOf(report, 'key'));
  });

  test('another secret: the service saw what was signed, so that nothing but the secret is left', async () => {
    const report = await examine(store.endpoint, {
      credentials: { ...TEST_CREDENTIALS, secretAccessKey: 'not-the-secret' },
    });
    assert.match(outcomeOf(report, 'key').cause ?? '', /not the one that the service has for this access key/);
    assert.notEqual(statusOf(report, 'rewrite'), 'fail', 'nobody rewrites here');
    assert.match(report.verdict.sentence, /^Not an outage: .* on your side: the secret/);
    assertRunbook(outcomeOf(report, 'key'));
  });

  test('an access key that the service does not know', async () => {
    const report = await examine(store.endpoint, { credentials: { ...TEST_CREDENTIALS, accessKeyId: 'AKIDNOBODY' } });
    assert.match(outcomeOf(report, 'key').cause ?? '', /does not know the access key AKID…\(10\)/);
    assertRunbook(outcomeOf(report, 'key'));
  });

  test('half a key pair, and a profile beside a pair, are told by their names', async () => {
    const half = await examine(store.endpoint, { credentials: null, env: { AWS_ACCESS_KEY_ID: 'AKIDSTORETEST' } });
    assert.match(
      outcomeOf(half, 'credentials').cause ?? '',
      /AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not/,
    );
    assert.equal(statusOf(half, 'baseline'), 'could not run');
    assert.equal(half.verdict.exitCode, 1);
    const both = await examine(store.endpoint, { env: { AWS_PROFILE: 'other' } });
    assert.equal(statusOf(both, 'credentials'), 'warn');
    assert.equal(both.verdict.exitCode, 3);
  });

  test('no credentials at all: nothing is judged, nothing is ok that was not tried, and the exit says so', async () => {
    const report = await examine(store.endpoint, { credentials: null });
    for (const id of ['credentials', 'key', 'rewrite', 'baseline']) assert.equal(statusOf(report, id), 'could not run');
    assert.equal(report.verdict.exitCode, 3);
    assert.equal(report.verdict.isOutage, null);
  });

  test("a bucket that is not there is the last word, and no notice about another client's file is", async () => {
    const home = await mkdtemp(path.join(scratch, 'home-'));
    await mkdir(path.join(home, '.mc'));
    await writeFile(path.join(home, '.mc', 'config.json'), '{"aliases":{"old":{"api":"S3v2"}}}');
    const env = { HOME: home };
    const missing = await examine(store.endpoint, { env, target: { bucket: 'nosuchbucket' } });
    assert.deepEqual(withStatus(missing, 'warn'), ['sigv2', 'baseline']);
    assert.match(
      missing.verdict.sentence,
      /on your side: the signature holds, and the answer is NoSuchBucket: [^.]*\.$/,
    );
    const wrong = { ...TEST_CREDENTIALS, secretAccessKey: 'not-the-secret' };
    const refused = await examine(store.endpoint, { env, credentials: wrong });
    assert.match(refused.verdict.sentence, /on your side: the secret is not the one/);
    const both = await examine(store.endpoint, { env: { ...env, AWS_PROFILE: 'other' } });
    assert.deepEqual(withStatus(both, 'warn'), ['credentials', 'sigv2']);
    assert.match(both.verdict.sentence, /: AWS_PROFILE and a key pair are both set/);
    const alone = await examine(store.endpoint, { env });
    assert.match(alone.verdict.sentence, /^Not an outage: a signed request holds .*Signature Version 2/);
    assert.equal(alone.verdict.exitCode, 3);
  });

  test('virtual addressing of a store that knows path style only', async () => {
    const { port } = store;
    const report = await examine(`http://localhost:${String(port)}`, {
      target: { addressing: 'virtual' },
      resolve: async () => '127.0.0.1',
    });
    const addressing = outcomeOf(report, 'addressing');
    assert.equal(addressing.status, 'fail', JSON.stringify(addressing));
    assert.match(addressing.cause ?? '', /used with virtual addressing and understands path addressing/);
    assert.equal(statusOf(report, 'baseline'), 'ok');
    assertRunbook(addressing);
    const unresolved = await examine(`http://localhost:${String(port)}`, {
      target: { addressing: 'virtual' },
      resolve: async (host) => {
        if (host !== 'localhost') throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
        return '127.0.0.1';
      },
    });
    assert.equal(statusOf(unresolved, 'addressing'), 'fail');
    assert.match(outcomeOf(unresolved, 'addressing').evidence.join(), /virtual: dns ENOTFOUND/);
  });

  test('a clock that is off is told to the second, and the rest is signed by the time of the server', async () => {
    for (const [offMs, status] of [
      [20 * 60_000, 'fail'],
      [-20 * 60_000, 'fail'],
      [5 * 60_000, 'warn'],
    ] as const) {
      const report = await examine(store.endpoint, { now: () => new Date(Date.now() + offMs) });
      const clock = outcomeOf(report, 'clock');
      assert.equal(clock.status, status);
      const told = Number(/(\d+) s (?:ahead|behind)/.exec(clock.cause ?? '')?.[1]);
      assert.ok(Math.abs(told - Math.abs(offMs) / 1_000) <= 1, clock.cause ?? '');
      assert.match(clock.cause ?? '', offMs > 0 ? /ahead of the server/ : /behind the server/);
      assert.equal(statusOf(report, 'baseline'), 'ok');
      assert.equal(statusOf(report, 'key'), 'ok');
      assertRunbook(clock);
    }
  });

  test('a store whose own clock is off says its time in the refusal', async () => {
    const skewed = await startStore({ buckets: ['photos'], now: () => new Date(Date.now() - 30 * 60_000) });
    try {
      const report = await examine(skewed.endpoint);
      assert.match(outcomeOf(report, 'clock').cause ?? '', /(1799|1800|1801) s ahead of the server/);
      assert.equal(statusOf(report, 'baseline'), 'ok');
    } finally {
      await skewed.close();
    }
  });

  test('a certificate that nobody trusts, and the same one trusted', async (t) => {
    const certificate = createCertificate(scratch);
    if (certificate === null) return t.skip('no openssl');
    const secure = await startStore({ buckets: ['photos'], tls: certificate });
    try {
      const report = await examine(secure.endpoint);
      const reach = outcomeOf(report, 'reach');
      assert.equal(reach.status, 'fail');
      assert.match(reach.cause ?? '', /signed by nobody whom this machine trusts/);
      assert.match(reach.mends[0]?.change ?? '', /^ca_file: /);
      assert.equal(statusOf(report, 'key'), 'could not run', 'no credentials go to whom nobody vouches for');
      assert.equal(report.verdict.exitCode, 1);
      assertRunbook(reach);
      const trusted = await examine(secure.endpoint, { env: { AWS_CA_BUNDLE: certificate.caFile } });
      assert.equal(statusOf(trusted, 'baseline'), 'ok');
    } finally {
      await secure.close();
    }
  });

  test('a closed port is unreachable, exit 4, and whether it is an outage is left open', async () => {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as net.AddressInfo;
    await new Promise<void>((resolve) => void server.close(() => resolve()));
    const report = await examine(`http://127.0.0.1:${String(port)}`);
    assert.equal(report.verdict.exitCode, 4);
    assert.equal(report.verdict.isOutage, null);
    assert.match(outcomeOf(report, 'reach').cause ?? '', /nothing listens at/);
    for (const id of ['clock', 'region', 'key', 'rewrite', 'baseline'])
      assert.equal(statusOf(report, id), 'could not run');
  });

  test('a session token that has expired, at a gateway that gave it', async () => {
    let offMs = 0;
    const gateway = await startGateway({
      stores: [providerStore(store.endpoint, { region: 'us-east-1' })],
      keys: [{ name: 'worker', session: true }],
      gateway: { sessionSecret: 'env:SEALER' },
      secrets: {
        SEALER: 'a-session-secret-of-thirty-two-characters',
        PROVIDER_ID: TEST_CREDENTIALS.accessKeyId,
        PROVIDER_SECRET: TEST_CREDENTIALS.secretAccessKey,
      },
      now: () => new Date(Date.now() + offMs),
    });
    try {
      const body = JSON.stringify({ run: 'nightly', duration_seconds: 10 });
      const answer = await send(gateway.caller('worker'), {
        method: 'POST',
        target: '/session',
        body,
        headers: [['content-type', 'application/json']],
      });
      assert.equal(answer.status, 200, answer.text);
      const given = JSON.parse(answer.text) as Record<string, string>;
      const credentials = {
        accessKeyId: given['access_key_id'] ?? '',
        secretAccessKey: given['secret_access_key'] ?? '',
        sessionToken: given['session_token'] ?? '',
      };
      assert.equal(statusOf(await examine(gateway.url, { credentials }), 'key'), 'ok');
      offMs = 60_000;
      const report = await examine(gateway.url, { credentials });
      assert.equal(outcomeOf(report, 'key').cause, 'the session token has expired');
      assert.match(outcomeOf(report, 'key').mends[0]?.expires ?? '', /when the new session says so/);
      assert.match(report.verdict.sentence, /the session token has expired/);
    } finally {
      await gateway.close();
    }
  });

  test('what the provider can do is measured only where it may write, and nothing is left behind', async () => {
    const report = await examine(store.endpoint, { writeProbe: { bucket: 'photos', prefix: 'a b/waybill-doctor/' } });
    const { status, evidence } = outcomeOf(report, 'capabilities');
    assert.equal(status, 'ok');
    assert.match(evidence.join('\n'), /conditional_writes: true/);
    assert.match(evidence.join('\n'), /crc64nvme verified/);
    const left = await send(store, { method: 'GET', target: '/photos?list-type=2' });
    assert.match(left.text, /<KeyCount>0</);
  });

  test('what was measured is kept, shown later with its time, and a broken file keeps nothing', async () => {
    const capabilitiesFile = path.join(scratch, 'kept', 'capabilities.json');
    const writeProbe = { bucket: 'photos', prefix: 'waybill-doctor/' };
    assert.equal(outcomeOf(await examine(store.endpoint, { capabilitiesFile }), 'capabilities').evidence.length, 1);
    await examine(store.endpoint, { capabilitiesFile, writeProbe });
    const kept = JSON.parse(await readFile(capabilitiesFile, 'utf8')) as Record<string, Record<string, unknown>>;
    const { conditionalWrites, startAfter, listsInUtf8Order, etags, checksums } = kept[store.endpoint] ?? {};
    assert.deepEqual([conditionalWrites, startAfter, listsInUtf8Order, etags], [true, true, true, 'md5']);
    assert.equal((checksums as Record<string, string>)['crc32c'], 'verified');
    const later = outcomeOf(await examine(store.endpoint, { capabilitiesFile }), 'capabilities');
    assert.equal(later.status, 'could not run', 'what was true once is no ok of today');
    assert.match(later.evidence.join('\n'), /measured at 20\d\d-.*Z, and kept:\nconditional_writes: true/);
    await writeFile(capabilitiesFile, '{"broken');
    assert.equal(outcomeOf(await examine(store.endpoint, { capabilitiesFile }), 'capabilities').evidence.length, 1);
  });

  test('the command: a store of waybill.yaml by name, JSON and text, exit codes', async () => {
    const file = path.join(scratch, 'waybill.yaml');
    await writeFile(
      file,
      `stores:\n  cloud:\n    endpoint: ${store.endpoint}\n    credentials: { access_key_id: env:DOC_ID, secret_access_key: env:DOC_SECRET }\n`,
    );
    const env = {
      DOC_ID: TEST_CREDENTIALS.accessKeyId,
      DOC_SECRET: TEST_CREDENTIALS.secretAccessKey,
      HOME: scratch,
      AWS_ACCESS_KEY_ID: '',
      AWS_SECRET_ACCESS_KEY: '',
      AWS_PROFILE: '',
    };
    const well = await runWaybill(
      ['doctor', 'cloud', '--config', file, '--bucket', 'photos', '--no-aws-cli', '--json'],
      { env },
    );
    assert.equal(well.code, 0, well.stdout + well.stderr);
    assert.equal((JSON.parse(well.stdout) as { verdict: { isOutage: boolean } }).verdict.isOutage, false);
    const ill = await runWaybill(['doctor', store.endpoint, '--no-aws-cli'], {
      env: { ...env, AWS_ACCESS_KEY_ID: 'AKIDNOBODY', AWS_SECRET_ACCESS_KEY: 'canary-of-the-command' },
    });
    assert.equal(ill.code, 1, ill.stderr);
    assert.match(ill.stdout, /change\s+a pair that this service gave out/);
    assert.match(ill.stdout, /gateway\.explain: true/);
    assert.ok(!ill.stdout.includes('canary-of-the-command'));
    const none = await runWaybill(['doctor', 'nowhere', '--config', file], { env });
    assert.equal(none.code, 2);
  });
});
