/**
 * Everything that a signature is computed from, as the texts that stand in it, so that each can be changed alone. From a request it
 * is what a correct signer would have used; from a canonical request it is what somebody did use.
 */
import { findHeaders } from '../canonical-headers.ts';
import { buildCanonicalRequest } from '../canonical-request.ts';
import { ALGORITHM, TERMINATOR } from '../string-to-sign.ts';
import { hmacSha256Hex, sha256Hex } from '../hex.ts';
import { deriveSigningKey } from '../signing-key.ts';
import type { Crypto, PathRule, SigningKeyCache, WireRequest } from '../types.ts';

export interface SigningInputs {
  readonly method: string;
  readonly uri: string;
  readonly query: string;
  /** Canonical lines in their order. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Between the last header line and the signed headers: one empty line, unless a signer left it out or wrote two. */
  readonly gap: string;
  readonly signedHeaders: string;
  readonly payloadHash: string;
  readonly algorithm: string;
  readonly amzDate: string;
  readonly scope: {
    readonly date: string;
    readonly region: string;
    readonly service: string;
    readonly terminator: string;
  };
  /** What was made of the secret before it was used. */
  readonly secret: (secret: string) => string;
  /** The scope that the key was derived for, where it is not the one that is written. */
  readonly keyScope?: Partial<SigningInputs['scope']>;
  /** How the key was derived, where it was not by the rule. */
  readonly deriveKey?: (crypto: Crypto, secret: string, inputs: SigningInputs) => Uint8Array | string;
  /** What was made of the whole canonical request before it was hashed. */
  readonly bendCanonical?: (text: string) => string;
  /** What was made of the whole string to sign before it was signed. */
  readonly bendToSign?: (text: string, canonicalRequest: string) => string;
}

const asIs = (secret: string): string => secret;

export function printCanonical(inputs: SigningInputs): string {
  const lines = inputs.headers.map(([name, value]) => `${name}:${value}\n`).join('');
  const text = `${inputs.method}\n${inputs.uri}\n${inputs.query}\n${lines}${inputs.gap}${inputs.signedHeaders}\n${inputs.payloadHash}`;
  return inputs.bendCanonical === undefined ? text : inputs.bendCanonical(text);
}

export const printInputScope = ({ scope }: SigningInputs): string =>
  `${scope.date}/${scope.region}/${scope.service}/${scope.terminator}`;

export function printStringToSign(crypto: Crypto, inputs: SigningInputs): string {
  const canonical = printCanonical(inputs);
  const text = `${inputs.algorithm}\n${inputs.amzDate}\n${printInputScope(inputs)}\n${sha256Hex(crypto, canonical)}`;
  return inputs.bendToSign === undefined ? text : inputs.bendToSign(text, canonical);
}

/** The signature that these inputs give with a secret; 64 digits of hex. */
export function computeSignature(
  crypto: Crypto,
  inputs: SigningInputs,
  secret: string,
  cache: SigningKeyCache,
): string {
  const used = inputs.secret(secret);
  const { terminator, ...scope } = { ...inputs.scope, ...inputs.keyScope };
  const key =
    inputs.deriveKey !== undefined
      ? inputs.deriveKey(crypto, used, inputs)
      : terminator === TERMINATOR
        ? deriveSigningKey(crypto, used, scope, cache)
        : [scope.region, scope.service, terminator].reduce(
            (link, text) => crypto.hmacSha256(link, text),
            crypto.hmacSha256(`AWS4${used}`, scope.date),
          );
  return hmacSha256Hex(crypto, key, printStringToSign(crypto, inputs));
}

/** What of a request says how it was signed; see `read-claim.ts`. */
export interface SignedClaim {
  readonly form: 'header' | 'presigned';
  readonly accessKeyId: string;
  readonly scope: SigningInputs['scope'];
  /** As sent, whatever its form. */
  readonly signedHeaders: string;
  readonly signature: string;
  readonly amzDate: string;
}

/** What a correct signer makes of a request as it stands; null when its path or query cannot be read. */
export function toSigningInputs(
  request: WireRequest,
  claim: SignedClaim,
  pathRule: PathRule,
  payloadHash: string,
): SigningInputs | null {
  const names = [...new Set(claim.signedHeaders.split(';').map((name) => name.trim().toLowerCase()))].sort();
  const canonical = buildCanonicalRequest({
    request,
    pathRule,
    payloadHash,
    signedHeaders: names,
    ...(claim.form === 'presigned' && { exceptParameter: 'X-Amz-Signature' }),
  });
  if (canonical === null) return null;
  return {
    method: request.method,
    uri: canonical.canonicalUri,
    query: canonical.canonicalQuery,
    headers: parseHeaderLines(canonical.canonicalHeaders),
    gap: '\n',
    signedHeaders: names.join(';'),
    payloadHash,
    algorithm: ALGORITHM,
    amzDate: claim.amzDate,
    scope: claim.scope,
    secret: asIs,
  };
}

/** Reads a canonical request back; null when it has not its lines. @param rest what stands in the string to sign */
export function parseCanonical(
  text: string,
  rest: Pick<SigningInputs, 'algorithm' | 'amzDate' | 'scope'>,
): SigningInputs | null {
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  const [method, uri, query] = lines;
  const payloadHash = lines.at(-1);
  const signedHeaders = lines.at(-2);
  if (lines.length < 5 || method === undefined || uri === undefined || query === undefined) return null;
  if (payloadHash === undefined || signedHeaders === undefined || !/^[A-Za-z]+$/.test(method)) return null;
  const gap = lines.at(-3) === '' ? '\n' : '';
  const headerLines = lines.slice(3, gap === '' ? -2 : -3);
  if (headerLines.some((line) => !line.includes(':'))) return null;
  const headers = parseHeaderLines(headerLines.map((line) => `${line}\n`).join(''));
  return { method, uri, query, headers, gap, signedHeaders, payloadHash, ...rest, secret: asIs };
}

/** `ALGORITHM\ntime\nscope\nhash` → its parts; null when it has not four lines. */
export function parseStringToSign(
  text: string,
): (Pick<SigningInputs, 'algorithm' | 'amzDate' | 'scope'> & { readonly hash: string }) | null {
  const [algorithm, amzDate, scopeText, hash, ...more] = text.replaceAll('\r\n', '\n').trimEnd().split('\n');
  const [date, region, service, terminator, ...rest] = (scopeText ?? '').split('/');
  if (hash === undefined || more.length > 0 || rest.length > 0 || terminator === undefined) return null;
  if (algorithm === undefined || amzDate === undefined || !date || region === undefined || service === undefined)
    return null;
  return { algorithm, amzDate, scope: { date, region, service, terminator }, hash };
}

function parseHeaderLines(text: string): (readonly [string, string])[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line): readonly [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1)];
    });
}

/** The one value of a header of the request, '' when it is absent. */
export const headerOf = (request: WireRequest, name: string): string => findHeaders(request.headers, name)[0] ?? '';
