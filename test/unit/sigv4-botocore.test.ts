/** Agreement with botocore over committed vectors; generate-sigv4.py beside them says how they were made. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { presignRequest } from '../../sigv4/presign.ts';
import { signRequest } from '../../sigv4/sign.ts';
import type { Credentials, PathRule, WireRequest } from '../../sigv4/types.ts';
import { verifyRequest } from '../../sigv4/verify.ts';

interface Case {
  readonly form: 'header' | 'presigned';
  readonly service: string;
  readonly region: string;
  readonly pathRule: PathRule;
  readonly credentials: Credentials;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: WireRequest['headers'];
  readonly payloadHash: string;
  readonly canonicalRequest: string;
  readonly stringToSign: string;
  readonly signature: string;
  readonly authorization?: string;
  readonly expiresSeconds?: number;
  readonly signedUrl?: string;
}

const vectors = JSON.parse(readFileSync(new URL('../vectors/sigv4-botocore.json', import.meta.url), 'utf8')) as {
  at: string;
  cases: Case[];
};
const at = new Date(vectors.at);

test('the vectors are at least as many as AWS publishes', () => {
  assert.ok(vectors.cases.length >= 76, `only ${vectors.cases.length} cases`);
});

test('every stage of every signature agrees with botocore', () => {
  for (const vector of vectors.cases) {
    const { method, path, query, headers, credentials, region, service, pathRule, payloadHash } = vector;
    const input = {
      request: { method, path, query, headers },
      credentials,
      region,
      service,
      pathRule,
      payloadHash,
      at,
    };
    const signed =
      vector.form === 'header'
        ? signRequest(nodeCrypto, input)
        : presignRequest(nodeCrypto, { ...input, expiresSeconds: vector.expiresSeconds! });
    const label = `${vector.form} ${method} ${path}?${query}`;
    assert.equal(signed.stages.canonicalRequest, vector.canonicalRequest, label);
    assert.equal(signed.stages.stringToSign, vector.stringToSign, label);
    assert.equal(signed.signature, vector.signature, label);
    if ('authorization' in signed) assert.equal(signed.authorization, vector.authorization, label);
  }
});

test('what botocore sends verifies', () => {
  for (const vector of vectors.cases) {
    const { method, credentials, region, service, pathRule } = vector;
    const url = new RawUrl(vector.signedUrl ?? `https://storage.example.com${vector.path}?${vector.query}`);
    const verified = verifyRequest(nodeCrypto, {
      request: { method, path: url.path, query: url.query, headers: [...vector.headers, ...authentication(vector)] },
      now: at,
      region,
      service,
      pathRule,
      findCredentials: (id) => (id === credentials.accessKeyId ? [credentials] : []),
      ...(service !== 's3' && { payloadHash: vector.payloadHash }),
    });
    assert.ok(verified.ok, `${vector.form} ${method} ${vector.path}?${vector.query}: ${JSON.stringify(verified)}`);
    assert.equal(verified.form, vector.form);
    assert.equal(verified.payloadHash, vector.payloadHash);
  }
});

/** The headers that botocore added in header form. */
function authentication(vector: Case): [string, string][] {
  if (vector.authorization === undefined) return [];
  const added: [string, string][] = [
    ['X-Amz-Date', vector.stringToSign.split('\n')[1]!],
    ['Authorization', vector.authorization],
  ];
  if (vector.service === 's3') added.push(['X-Amz-Content-SHA256', vector.payloadHash]);
  if (vector.credentials.sessionToken !== undefined)
    added.push(['X-Amz-Security-Token', vector.credentials.sessionToken]);
  return added;
}

/** Path and query as they stand in a URL: `new URL` would fold the dot segments that are under test. */
class RawUrl {
  readonly path: string;
  readonly query: string;
  constructor(url: string) {
    const target = url.slice(url.indexOf('/', 'https://'.length));
    const question = target.indexOf('?');
    this.path = target.slice(0, question);
    this.query = target.slice(question + 1);
  }
}
