/**
 * AWS's own signing suite: 38 cases, each in header and query form. The data is AWS's and has no copy in this project; it is read
 * from beside the checkout. Where it is absent one test says so, and sigv4-botocore.test.ts stands in with vectors of our own.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sha256Hex } from '../../sigv4/hex.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { presignRequest } from '../../sigv4/presign.ts';
import { signRequest } from '../../sigv4/sign.ts';
import type { WireRequest } from '../../sigv4/types.ts';
import { verifyRequest } from '../../sigv4/verify.ts';

interface SuiteCase {
  readonly name: string;
  readonly request: string;
  readonly context: {
    readonly credentials: { access_key_id: string; secret_access_key: string; token?: string };
    readonly expiration_in_seconds: number;
    readonly normalize: boolean;
    readonly region: string;
    readonly service: string;
    readonly sign_body: boolean;
    readonly omit_session_token?: boolean;
    readonly timestamp: string;
  };
  readonly header_canonical_request: string;
  readonly header_string_to_sign: string;
  readonly header_signature: string;
  readonly query_canonical_request: string;
  readonly query_string_to_sign: string;
  readonly query_signature: string;
}

const path = fileURLToPath(new URL('../../../shared/vectors/aws-sigv4.json', import.meta.url));

if (existsSync(path)) {
  const { cases } = JSON.parse(readFileSync(path, 'utf8')) as { cases: SuiteCase[] };

  test("every signature of AWS's suite is reproduced, in header form and in query form", (t) => {
    let signatures = 0;
    for (const suiteCase of cases) {
      const header = signRequest(nodeCrypto, { ...toInput(suiteCase), addContentSha256: suiteCase.context.sign_body });
      assert.equal(header.stages.canonicalRequest, suiteCase.header_canonical_request, suiteCase.name);
      assert.equal(header.stages.stringToSign, suiteCase.header_string_to_sign, suiteCase.name);
      assert.equal(header.signature, suiteCase.header_signature, suiteCase.name);
      const expiresSeconds = suiteCase.context.expiration_in_seconds;
      const query = presignRequest(nodeCrypto, { ...toInput(suiteCase), expiresSeconds });
      assert.equal(query.stages.canonicalRequest, suiteCase.query_canonical_request, suiteCase.name);
      assert.equal(query.stages.stringToSign, suiteCase.query_string_to_sign, suiteCase.name);
      assert.equal(query.signature, suiteCase.query_signature, suiteCase.name);
      signatures += 2;
    }
    assert.equal(signatures, 76);
    t.diagnostic(`${signatures} signatures of AWS's suite were checked`);
  });

  test("every signed request of AWS's suite verifies, and not with another secret, a day later or for another region", () => {
    let verified = 0;
    for (const suiteCase of cases) {
      const input = toInput(suiteCase);
      const header = signRequest(nodeCrypto, { ...input, addContentSha256: suiteCase.context.sign_body });
      const expiresSeconds = suiteCase.context.expiration_in_seconds;
      const { target } = presignRequest(nodeCrypto, { ...input, expiresSeconds });
      const mark = target.indexOf('?');
      const requests: readonly WireRequest[] = [
        { ...input.request, headers: header.headers },
        { ...input.request, path: target.slice(0, mark), query: target.slice(mark + 1) },
      ];
      for (const request of requests) {
        const verify = (more: { secretAccessKey?: string; now?: Date; region?: string }) =>
          verifyRequest(nodeCrypto, {
            request,
            now: more.now ?? input.at,
            region: more.region ?? input.region,
            service: input.service,
            pathRule: input.pathRule,
            payloadHash: input.payloadHash,
            findCredentials: (accessKeyId) =>
              accessKeyId === input.credentials.accessKeyId
                ? [{ ...input.credentials, ...(more.secretAccessKey && { secretAccessKey: more.secretAccessKey }) }]
                : [],
          });
        const result = verify({});
        assert.ok(result.ok, `${suiteCase.name}: ${JSON.stringify(result)}`);
        assert.equal(verify({ secretAccessKey: 'another' }).ok, false, suiteCase.name);
        assert.equal(verify({ now: new Date(input.at.getTime() + 8 * 86_400_000) }).ok, false, suiteCase.name);
        assert.equal(verify({ region: 'eu-north-9' }).ok, false, suiteCase.name);
        verified += 1;
      }
    }
    assert.equal(verified, 76);
  });
} else {
  test("AWS's suite is absent here: none of its 76 signatures was checked", (t) => {
    t.diagnostic(`no file at ${path}`);
    assert.equal(existsSync(path), false);
  });
}

function toInput(suiteCase: SuiteCase) {
  const { context } = suiteCase;
  const { request, body } = parseRequest(suiteCase.request);
  const { access_key_id: accessKeyId, secret_access_key: secretAccessKey, token } = context.credentials;
  const sessionToken = context.omit_session_token === true ? undefined : token;
  return {
    request,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) },
    region: context.region,
    service: context.service,
    // None of the paths that are not to be folded holds a '%', where encoding once and twice are the same.
    pathRule: context.normalize ? ('standard' as const) : ('s3' as const),
    payloadHash: sha256Hex(nodeCrypto, context.sign_body ? body : ''),
    at: new Date(context.timestamp),
  };
}

function parseRequest(text: string): { request: WireRequest; body: string } {
  const [head = '', body = ''] = text.split('\n\n');
  const [requestLine = '', ...lines] = head.split('\n');
  const method = requestLine.slice(0, requestLine.indexOf(' '));
  const target = requestLine.slice(method.length + 1, requestLine.lastIndexOf(' HTTP/'));
  const [targetPath = '', query = ''] = target.split('?');
  const headers: [string, string][] = [];
  for (const line of lines) {
    const last = headers.at(-1);
    if (/^\s/.test(line) && last !== undefined) last[1] += `\n${line}`;
    else if (line !== '') headers.push([line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]);
  }
  return { request: { method, path: targetPath, query, headers }, body };
}
