/**
 * Asks a store's KMS whether an alias exists, so that a run does not copy for hours into a bucket whose key nobody has: ListAliases,
 * page by page, signed with the store's credentials and sent the way that the store is reached.
 * Source: AWS KMS API Reference, ListAliases.
 */
import type { ProviderStore } from '../../config/config.ts';
import { isWaybillError, WaybillError } from '../../core/failures.ts';
import type { FailureType } from '../../core/failures.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { sha256Hex } from '../../sigv4/hex.ts';
import { signRequest } from '../../sigv4/sign.ts';
import type { Credentials } from '../../sigv4/types.ts';
import { callerOf } from '../listener/caller.ts';
import type { ProviderParts } from './provider-backend.ts';
import type { ProviderAnswer } from './provider-failure.ts';
import { scrubSecrets } from '../answer/secret-scrubber.ts';

/**
 * Whether there is an alias of this name (`alias/NAME`) or ARN.
 * @throws access_denied, bad_credentials, store_slow_down, store_error, store_refused as the KMS answers; store_unreachable, store_timeout
 */
export type HasKmsAlias = (alias: string, signal: AbortSignal) => Promise<boolean>;

/** An account may have 50,000 aliases by its default quotas, in pages of 50. */
const PAGES_MAX = 2_000;
const MARKER_LENGTH_MAX = 1024;
const TARGET = 'TrentService.ListAliases';
const CONTENT_TYPE = 'application/x-amz-json-1.1';

const AWS_ENDPOINT = /(?:^|\.)amazonaws\.com(\.cn)?$/;

/** Where the KMS of a store is; null for one that is not AWS's and whose configuration names none. */
export function toKmsEndpoint(store: Pick<ProviderStore, 'endpoint' | 'region' | 'kmsEndpoint'>): string | null {
  if (store.kmsEndpoint !== null) return store.kmsEndpoint;
  const aws = AWS_ENDPOINT.exec(new URL(store.endpoint).hostname);
  return aws === null ? null : `https://kms.${store.region}.amazonaws.com${aws[1] ?? ''}`;
}

/** Null where no KMS is known. */
export function createHasKmsAlias(parts: ProviderParts): HasKmsAlias | null {
  const { store, connection } = parts;
  const endpoint = toKmsEndpoint(store);
  if (endpoint === null) return null;
  const now = parts.now ?? (() => new Date());
  const host = endpoint.slice(endpoint.indexOf('://') + 3);

  const listPage = async (marker: string | null, signal: AbortSignal): Promise<Page> => {
    const body = Buffer.from(marker === null ? '{}' : JSON.stringify({ Marker: marker }));
    const credentials = await parts.credentials.current();
    const { headers } = signRequest(nodeCrypto, {
      request: {
        method: 'POST',
        path: '/',
        query: '',
        headers: [
          ['host', host],
          ['content-type', CONTENT_TYPE],
          ['x-amz-target', TARGET],
          ['content-length', String(body.byteLength)],
        ],
      },
      credentials,
      region: store.region,
      service: 'kms',
      pathRule: 'standard',
      payloadHash: sha256Hex(nodeCrypto, body),
      at: now(),
      keyCache: parts.keyCache,
    });
    const request = { origin: endpoint, method: 'POST', target: '/', headers: headers.flat(), body };
    const answer = await connection.send(request, null, callerOf(signal)).catch((error: unknown) => {
      throw toUnreachable(error, store.name, endpoint);
    });
    if (answer?.status !== 200) throw toKmsFailure(answer, store.name, credentials);
    return parsePage(answer.body, store.name);
  };

  return async (alias, signal) => {
    let marker: string | null = null;
    for (let page = 0; page < PAGES_MAX; page++) {
      const { names, next }: Page = await listPage(marker, signal);
      if (names.includes(alias)) return true;
      if (next === null) return false;
      if (next === marker) break;
      marker = next;
    }
    throw new WaybillError('store_error', 'the list of KMS aliases does not end', { store: store.name });
  };
}

interface Page {
  /** Names and ARNs. */
  readonly names: readonly string[];
  readonly next: string | null;
}

/** @throws store_error for what is no page: an alias that was overlooked would stop a run that is in order */
function parsePage(body: Uint8Array, store: string): Page {
  const malformed = (): WaybillError =>
    new WaybillError('store_error', 'the KMS answered with what is no list of aliases', { store });
  const document = parseJson(body);
  const aliases = document?.['Aliases'];
  if (document === null || !Array.isArray(aliases)) throw malformed();
  const names = aliases.flatMap((alias: unknown) => {
    if (typeof alias !== 'object' || alias === null) throw malformed();
    const { AliasName: name, AliasArn: arn } = alias as Record<string, unknown>;
    return [name, arn].filter((one) => typeof one === 'string');
  });
  if (document['Truncated'] !== true) return { names, next: null };
  const next = document['NextMarker'];
  if (typeof next !== 'string' || next === '' || next.length > MARKER_LENGTH_MAX) throw malformed();
  return { names, next };
}

/** Says that it is the KMS and not the store: the egress of many gateways lets only the one through. */
function toUnreachable(error: unknown, store: string, endpoint: string): unknown {
  if (!isWaybillError(error)) return error;
  const { type, details, retryAfterMs } = error;
  const { s3Code, code } = details;
  const more = { ...(s3Code !== undefined && { s3Code }), ...(code !== undefined && { code }) };
  return new WaybillError(
    type,
    'the KMS of the store cannot be asked',
    { ...more, store, endpoint },
    { cause: error, retryAfterMs },
  );
}

const TYPE_BY_CODE: Readonly<Record<string, FailureType>> = {
  AccessDeniedException: 'access_denied',
  ExpiredTokenException: 'bad_credentials',
  IncompleteSignature: 'bad_credentials',
  InvalidSignatureException: 'bad_credentials',
  MissingAuthenticationTokenException: 'bad_credentials',
  NotAuthorized: 'access_denied',
  ThrottlingException: 'store_slow_down',
  UnrecognizedClientException: 'bad_credentials',
};

function toKmsFailure(answer: ProviderAnswer | null, store: string, credentials: Credentials): WaybillError {
  const status = answer?.status ?? 0;
  const document = answer === null ? null : parseJson(answer.body);
  const type = document?.['__type'];
  // `com.amazonaws.kms#NotFoundException` in some versions of the protocol.
  const code = typeof type === 'string' ? type.slice(type.lastIndexOf('#') + 1) : '';
  const message = document?.['message'] ?? document?.['Message'];
  const said = typeof message === 'string' ? scrubSecrets(message, credentials).replace(/[\p{Cc}[\]]+/gu, ' ') : '';
  const known = /^[A-Za-z]{1,64}$/.test(code) ? code : 'unknown';
  const failure = TYPE_BY_CODE[known] ?? (status >= 500 ? 'store_error' : 'store_refused');
  const text = `kms:ListAliases was refused: ${said.slice(0, 500) || `status ${status}`}`;
  return new WaybillError(failure, text, { store, kmsCode: known, providerStatus: status });
}

function parseJson(body: Uint8Array): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
