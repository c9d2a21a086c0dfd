/**
 * Who calls POST /upload and POST /kms/check: a workload key, shown by a SigV4 signature over the request (service s3, header form, the
 * hash of the body in x-amz-content-sha256) or by its bearer token. A request that brings both is refused: which of two would count?
 *
 * A bearer token says nothing about the body, so with it the body is what the connection brought. The gateway keeps the SHA-256 of
 * tokens; looking one up compares hashes, whose first bytes tell nothing about the token.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import type { SigningKeyCache } from '../../sigv4/types.ts';
import { verifyRequest } from '../../sigv4/verify.ts';
import type { Admit } from './access.ts';
import type { Problem } from '../answer/answer-problem.ts';
import { CountedResponse } from '../listener/exchange.ts';
import type { Keyring, KeyringEntry } from './keyring.ts';
import { parseHeaders } from '../request/parse-headers.ts';
import { toSignatureFailure } from '../answer/s3-error.ts';

export interface AuthenticateOptions {
  readonly keyring: Keyring;
  readonly region: string;
  readonly keyCache: SigningKeyCache;
  readonly now: () => Date;
  /** Whether the key may be used now and from there. Default: always. */
  readonly admit?: Admit<KeyringEntry>;
}

export interface AuthenticatedCaller {
  readonly ok: true;
  readonly key: KeyringEntry;
  /** What the signature says of the body; null for a bearer token, which says nothing. */
  readonly payloadHash: string | null;
}

const BEARER = /^Bearer +([\x21-\x7e]{1,512}) *$/i;
const SIGNATURE_HEADERS = ['x-amz-date', 'x-amz-security-token'];

/** @throws what `parseHeaders` and `admit` throw */
export function authenticateCaller(
  options: AuthenticateOptions,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): AuthenticatedCaller | { readonly ok: false; readonly problem: Problem } {
  const exchange = response instanceof CountedResponse ? response.exchange : null;
  const headers = parseHeaders(request.rawHeaders);
  const authorization = headers.byName.get('authorization');
  if (authorization !== undefined && /^bearer\b/i.test(authorization)) {
    const token = BEARER.exec(authorization)?.[1];
    const key =
      token === undefined || SIGNATURE_HEADERS.some((name) => headers.byName.has(name))
        ? undefined
        : options.keyring.findByBearer(token);
    if (key === undefined) return { ok: false, problem: UNKNOWN_TOKEN };
    if (exchange !== null) {
      exchange.accessKeyId = key.accessKeyId;
      exchange.key = key;
      exchange.signedBy = 'bearer';
    }
    options.admit?.(key, { address: exchange?.address ?? '' });
    return { ok: true, key, payloadHash: null };
  }
  const verified = verifyRequest(nodeCrypto, {
    request: { method: 'POST', path, query: '', headers: headers.pairs },
    now: options.now(),
    region: options.region,
    service: 's3',
    pathRule: 's3',
    findCredentials: (accessKeyId) => options.keyring.find(accessKeyId)?.credentials ?? [],
    keyCache: options.keyCache,
  });
  if (!verified.ok) {
    const { status, code, message } = toSignatureFailure(verified);
    const { stages } = verified;
    const more = stages && { canonical_request: stages.canonicalRequest, string_to_sign: stages.stringToSign };
    return { ok: false, problem: { type: 'unauthenticated', status, code, message, ...(more && { more }) } };
  }
  const key = options.keyring.find(verified.accessKeyId);
  // It was valid a moment ago, when its secret was found.
  if (key === undefined)
    return { ok: false, problem: { ...UNKNOWN_TOKEN, status: 403, message: 'the key has expired' } };
  if (exchange !== null) {
    exchange.accessKeyId = verified.accessKeyId;
    exchange.key = key;
    exchange.signedBy = verified.form;
  }
  options.admit?.(key, { address: exchange?.address ?? '' });
  return { ok: true, key, payloadHash: verified.payloadHash };
}

const UNKNOWN_TOKEN: Problem = {
  type: 'unauthenticated',
  status: 401,
  code: 'InvalidToken',
  message: 'the bearer token is not known',
};
