/** Two sides: what is called proved by the two texts stands in one of them, and two requests that are not one are told apart. */
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import { explain } from '../../sigv4/explain/explain.ts';
import { printVerdict } from '../../sigv4/explain/print-explanation.ts';
import { readEvidence } from '../../sigv4/evidence/read-evidence.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';

const HASH = '8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4';

interface Texts {
  readonly path?: string;
  readonly host?: string;
  readonly encoding?: string;
  readonly time?: string;
  readonly more?: string;
  readonly token?: string;
}

const canonicalOf = ({
  path = '/photos/x.json',
  host = 'files.example.com',
  encoding = 'identity',
  time = '20261122T103639Z',
  more = 'a',
  token,
}: Texts): string => {
  const [name, value] = token === undefined ? ['x-amz-meta-more', more] : ['x-amz-security-token', token];
  return `PUT\n${path}\n\naccept-encoding:${encoding}\nhost:${host}\nx-amz-content-sha256:${HASH}\nx-amz-date:${time}\n${name}:${value}\n\naccept-encoding;host;x-amz-content-sha256;x-amz-date;${name}\n${HASH}`;
};

const toSignOf = (texts: Texts): string =>
  `AWS4-HMAC-SHA256\n${texts.time ?? '20261122T103639Z'}\n20261122/us-east-1/s3/aws4_request\n${createHash('sha256').update(canonicalOf(texts)).digest('hex')}`;

const goLog = (texts: Texts): string =>
  `DEBUG Request Signature:\n---[ CANONICAL STRING  ]-----------------------------\n${canonicalOf(texts)}\n---[ STRING TO SIGN ]--------------------------------\n${toSignOf(texts)}\n-----------------------------------------------------\n`;
const javaLog = (texts: Texts): string =>
  `10:11:12.123 [main] DEBUG software.amazon.awssdk.auth.signer.Aws4Signer - AWS4 Canonical Request: ${canonicalOf(texts)}\n10:11:12.124 [main] DEBUG software.amazon.awssdk.auth.signer.Aws4Signer - AWS4 String to sign: ${toSignOf(texts)}\n`;
const errorOf = (texts: Texts): string =>
  `<Error><Code>SignatureDoesNotMatch</Code><Message>x</Message><StringToSign>${toSignOf(texts)}</StringToSign><SignatureProvided>${'ab'.repeat(32)}</SignatureProvided><CanonicalRequest>${canonicalOf(texts)}</CanonicalRequest></Error>`;

const ask = (...texts: readonly string[]) =>
  explain(
    texts.flatMap((text) => readEvidence(text)),
    { crypto: nodeCrypto, secret: null },
  );

/** Either way round, of either log. */
function* turns(client: Texts, server: Texts): Generator<ReturnType<typeof ask>> {
  for (const log of [goLog(client), javaLog(client)]) {
    yield ask(log, errorOf(server));
    yield ask(errorOf(server), log);
  }
}

const LINES: readonly (readonly [client: Texts, server: Texts, id: string, says: string])[] = [
  [{}, { host: 'minio:9000' }, 'host-rewritten', 'host was signed as "files.example.com", arrived as "minio:9000"'],
  [{}, { host: '10.0.0.7' }, 'host-rewritten', 'host was signed as "files.example.com", arrived as "10.0.0.7"'],
  [
    {},
    { host: 'files.example.com:9000' },
    'host-port',
    'host was signed as "files.example.com", arrived as "files.example.com:9000"',
  ],
  [
    {},
    { encoding: 'gzip' },
    'accept-encoding-rewritten',
    'accept-encoding was signed as "identity", arrived as "gzip"',
  ],
  [{}, { more: 'else' }, 'header-value-changed', 'x-amz-meta-more was signed as "a", arrived as "else"'],
];

for (const [client, server, id, says] of LINES) {
  test(`one header line differs: ${says}`, () => {
    for (const explanation of turns(client, server)) {
      assert.equal(explanation.findings[0]?.id, id);
      assert.equal(explanation.findings.length, 1);
      assert.ok(printVerdict(explanation).includes(`(${says}) (proved by the two texts)`), printVerdict(explanation));
    }
  });
}

test('several header lines differ: each has its own finding, Host first, and nobody is told not to sign Host', () => {
  for (const explanation of turns({}, { host: 'minio:9000', encoding: 'gzip' })) {
    const { findings } = explanation;
    assert.deepEqual(
      findings.map((one) => one.id),
      ['host-rewritten', 'accept-encoding-rewritten'],
    );
    assert.match(
      printVerdict(explanation),
      /^Host was rewritten .*signed as "files.example.com", arrived as "minio:9000"; accept-encoding changed too/,
    );
    assert.doesNotMatch(findings[0]?.mend ?? '', /not sign/);
    assert.match(findings[1]?.culprit ?? '', /signed as "identity", arrived as "gzip"/);
  }
});

test('a session token is not shown in a finding', () => {
  for (const { findings } of turns({ token: 'FwoGZXIvYXdz-one' }, { token: 'FwoGZXIvYXdz-two' })) {
    assert.match(findings[0]?.culprit ?? '', /x-amz-security-token is another/);
    assert.ok(!JSON.stringify(findings).includes('FwoGZXIvYXdz'));
  }
});

test('another path, another time and no signature in common: these are not the same request', () => {
  const server = { path: '/photos/other.txt', host: '127.0.0.1:9310', time: '20261122T103319Z', encoding: 'gzip' };
  for (const explanation of turns({}, server)) {
    assert.deepEqual(
      explanation.findings.map((one) => one.id),
      ['requests-apart'],
    );
    assert.match(printVerdict(explanation), /^These are not the same request: /);
    assert.doesNotMatch(printVerdict(explanation), /proved/);
  }
});

test('another path alone, or the same signature on both sides, is one request', () => {
  for (const { findings } of turns({}, { path: '/photos/other.txt', host: 'minio' }))
    assert.equal(findings[0]?.id, 'texts-differ');
  const other = { path: '/photos/other.txt', time: '20261122T103319Z' };
  const log = `DEBUG:botocore.auth:CanonicalRequest:\n${canonicalOf({})}\nDEBUG:botocore.auth:StringToSign:\n${toSignOf({})}\nDEBUG:botocore.auth:Signature:\n${'ab'.repeat(32)}\n`;
  assert.equal(ask(log, errorOf(other)).findings[0]?.id, 'texts-differ');
  assert.equal(ask(log.replace('abab', 'cdcd'), errorOf(other)).findings[0]?.id, 'requests-apart');
});

test("a client's log with its string to sign and its signature: another secret than the one given", () => {
  const sign = (secret: string): string => {
    const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
    const key = ['20261122', 'us-east-1', 's3', 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${secret}`);
    return hmac(key, toSignOf({})).toString('hex');
  };
  const log = (toSign: string): string =>
    `DEBUG:botocore.auth:CanonicalRequest:\n${canonicalOf({})}\nDEBUG:botocore.auth:StringToSign:\n${toSign}\nDEBUG:botocore.auth:Signature:\n${sign('theirs')}\n`;
  const askWith = (secret: string, text: string) => explain(readEvidence(text), { crypto: nodeCrypto, secret });
  const other = askWith('ours', log(toSignOf({})));
  assert.deepEqual([other.verdict, other.findings[0]?.id], ['found', 'secret-differs']);
  assert.match(printVerdict(other), /^The client signed with another secret than the one given here/);
  assert.notEqual(askWith('theirs', log(toSignOf({}))).findings[0]?.id, 'secret-differs');
  // A hash that is not of what was logged leaves open what was signed.
  const torn = askWith('ours', log(toSignOf({ path: '/another' })));
  assert.ok(torn.findings.every((one) => one.id !== 'secret-differs'));
  const server = explain(readEvidence(errorOf({})), { crypto: nodeCrypto, secret: 'ours' });
  assert.ok(
    server.findings.every((one) => one.id !== 'secret-differs'),
    'nor is what a server built what was signed',
  );
});
