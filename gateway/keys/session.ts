/**
 * `POST /session`: a workload key with `session: true` asks for credentials of one run, for at most twelve hours and at most its own
 * rights: `{run, duration_seconds, operations, buckets, prefixes}` becomes `{access_key_id, secret_access_key, session_token, expires}`.
 * What is left out is the key's own.
 *
 * The request is signed like any S3 request (service s3, header form, the hash of the JSON in x-amz-content-sha256). It shares its
 * listener with S3, where POST of a bucket is a browser's form, which is not offered. The answer holds a secret: it is given once,
 * kept nowhere and never logged.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GatewayOperation } from '../../config/config.ts';
import { isWaybillError, WaybillError } from '../../core/failures.ts';
import { parseRunId } from '../../core/ids.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { deriveSigningKey } from '../../sigv4/signing-key.ts';
import type { Scope, SigningKeyCache } from '../../sigv4/types.ts';
import { verifyRequest } from '../../sigv4/verify.ts';
import { admitKey } from './admit-key.ts';
import { answerProblem } from '../answer/answer-problem.ts';
import type { Problem } from '../answer/answer-problem.ts';
import { CountedResponse, nameOperation } from '../listener/exchange.ts';
import type { Keyring, KeyringEntry } from './keyring.ts';
import type { Log } from '../listener/listener-options.ts';
import { parseHeaders } from '../request/parse-headers.ts';
import { readEnvelope } from '../upload/read-envelope.ts';
import { refuse, toS3Failure, toSignatureFailure } from '../answer/s3-error.ts';
import type { SessionClaims, SessionSealer } from './session-token.ts';

export interface SessionOptions {
  readonly keyring: Keyring;
  /** Null: no session_secret is configured. */
  readonly sealer: SessionSealer | null;
  readonly region: string;
  readonly keyCache: SigningKeyCache;
  readonly now: () => Date;
  readonly logger: Log;
}

export type ServeSession = (
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
) => Promise<void> | null;

const DURATION_SECONDS_DEFAULT = 3_600;
const DURATION_SECONDS_MAX = 43_200;
const FIELDS: readonly string[] = ['run', 'duration_seconds', 'operations', 'buckets', 'prefixes'];

/** For the listener's `outside`: null for what is not POST /session; what it serves it answers, and never rejects. */
export function createSession(options: SessionOptions): ServeSession {
  return (request, response, requestId) => {
    if (request.method !== 'POST' || request.url !== '/session') return null;
    nameOperation(response, 'Session');
    return serve(options, request, response).catch((error: unknown) => {
      const problem = toProblem(error);
      if (problem.status >= 500 && problem.status !== 501) {
        options.logger.error({ requestId, code: problem.code, err: error }, 'session failed');
      }
      if (response instanceof CountedResponse && response.exchange !== null) {
        response.exchange.code = problem.code;
        response.exchange.reason = problem.message;
      }
      if (!response.headersSent) answerProblem(request, response, problem, requestId);
    });
  };
}

async function serve(options: SessionOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const exchange = response instanceof CountedResponse ? response.exchange : null;
  const { keyring, sealer, now } = options;
  const verified = verifyRequest(nodeCrypto, {
    request: { method: 'POST', path: '/session', query: '', headers: parseHeaders(request.rawHeaders).pairs },
    now: now(),
    region: options.region,
    service: 's3',
    pathRule: 's3',
    // Sessions are not known here: none asks for another.
    findCredentials: (accessKeyId) => keyring.find(accessKeyId)?.credentials ?? [],
    keyCache: options.keyCache,
  });
  if (!verified.ok) {
    throw refuse(verified.code, toSignatureFailure(verified).message);
  }
  const key = keyring.find(verified.accessKeyId);
  if (key === undefined) throw refuse('InvalidAccessKeyId');
  if (exchange !== null) {
    exchange.accessKeyId = verified.accessKeyId;
    exchange.key = key;
    exchange.signedBy = verified.form;
  }
  admitKey(key, { address: exchange?.address ?? '' }, now());
  if (!key.session) throw refuse('AccessDenied', 'This key may not ask for sessions.');
  if (sealer === null) throw refuse('NotImplemented', 'Sessions need session_secret in the configuration.');

  const bytes = await readEnvelope(request, response, verified.payloadHash, 0);
  const claims = toClaims(
    parseJson(bytes),
    key,
    findSecretMark(sealer, key, verified.scope, verified.signingKey),
    now(),
  );
  const { accessKeyId, secretAccessKey, sessionToken } = sealer.issue(claims);
  options.logger.info(
    { key: key.name, store: key.store, run: claims.run, session: accessKeyId, expires: new Date(claims.expiresAtMs) },
    'session given out',
  );
  const body = Buffer.from(
    JSON.stringify({
      access_key_id: accessKeyId,
      secret_access_key: secretAccessKey,
      session_token: sessionToken,
      expires: new Date(claims.expiresAtMs).toISOString(),
    }),
  );
  response.writeHead(200, {
    'Content-Type': 'application/json',
    'Content-Length': body.byteLength,
    'Cache-Control': 'no-store',
  });
  response.end(body);
}

/** Of the key's two secrets the one that signed. */
function findSecretMark(sealer: SessionSealer, key: KeyringEntry, scope: Scope, signingKey: Uint8Array): string {
  const signed = key.credentials.find(({ secretAccessKey }) =>
    Buffer.from(deriveSigningKey(nodeCrypto, secretAccessKey, scope)).equals(signingKey),
  );
  if (signed === undefined) throw new WaybillError('unclassified', 'the secret that signed is none of the key');
  return sealer.toSecretMark(signed.secretAccessKey);
}

function parseJson(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw invalid('The body is not JSON.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('The body is not an object.');
  for (const name of Object.keys(value)) {
    if (!FIELDS.includes(name)) throw invalid(`Expected ${FIELDS.join(', ')} and no other field.`);
  }
  return value as Readonly<Record<string, unknown>>;
}

function toClaims(
  body: Readonly<Record<string, unknown>>,
  key: KeyringEntry,
  secretMark: string,
  now: Date,
): SessionClaims {
  const run = parseRun(body['run']);
  const seconds = body['duration_seconds'] ?? DURATION_SECONDS_DEFAULT;
  if (typeof seconds !== 'number' || !Number.isInteger(seconds) || seconds < 1 || seconds > DURATION_SECONDS_MAX) {
    throw invalid(`duration_seconds is a whole number from 1 to ${DURATION_SECONDS_MAX}.`);
  }
  const operations = parseStrings(body['operations'], 'operations') ?? [...key.policy.operations];
  const buckets = parseStrings(body['buckets'], 'buckets') ?? key.policy.buckets;
  const prefixes = parseStrings(body['prefixes'], 'prefixes') ?? key.policy.prefixes;
  const { policy } = key;
  for (const operation of operations) {
    if (!policy.operations.has(operation as GatewayOperation)) throw wider('operations');
  }
  if (policy.buckets.length > 0 && !buckets.every((bucket) => policy.buckets.includes(bucket))) throw wider('buckets');
  const isCovered = (prefix: string): boolean => policy.prefixes.some((own) => prefix.startsWith(own));
  if (policy.prefixes.length > 0 && !prefixes.every(isCovered)) throw wider('prefixes');
  const endMs = now.getTime() + seconds * 1000;
  return {
    key: key.name,
    secretMark,
    run,
    expiresAtMs: key.expiresAt === null ? endMs : Math.min(endMs, key.expiresAt.getTime()),
    operations: operations as GatewayOperation[],
    buckets,
    prefixes,
  };
}

function parseRun(value: unknown): string {
  try {
    return parseRunId(value);
  } catch {
    throw invalid('run is 1-128 of A-Z a-z 0-9 . _ : + -');
  }
}

/** Null when it is left out. An empty list would be read as nothing by one and as everything by another. */
function parseStrings(value: unknown, name: string): readonly string[] | null {
  if (value === undefined) return null;
  if (!Array.isArray(value) || value.length === 0) throw invalid(`${name} is a list, left out or not empty.`);
  if (!value.every((one): one is string => typeof one === 'string' && one !== '')) {
    throw invalid(`${name} is a list of words.`);
  }
  return value;
}

const invalid = (message: string): WaybillError => refuse('InvalidRequest', message);
const wider = (what: string): WaybillError =>
  refuse('AccessDenied', `A session may not have other ${what} than its key.`);

function toProblem(error: unknown): Problem {
  const failure = toS3Failure(error);
  return { type: isWaybillError(error) ? error.type : 'unclassified', ...failure };
}
