/**
 * Leave to read one object, as the source of a copy: `x-amz-copy-source` is the path and query of a GetObject, presigned for this
 * endpoint by a key that may read it. A key is bound to one store, so this is how the target's key, which signs the copy, gets at another
 * store's object: both keys have said yes, each for its own side, and neither could do it alone.
 */
import type { SigningKeyCache } from '../../sigv4/types.ts';
import { verifyRequest } from '../../sigv4/verify.ts';
import { refuse } from '../answer/s3-error.ts';
import type { Target } from '../backend.ts';
import type { AccessKey } from '../keys/access.ts';
import type { Exchange } from '../listener/exchange.ts';
import type { ListenerOptions } from '../listener/listener-options.ts';
import { parseTarget } from '../request/parse-target.ts';
import { COPY_SOURCE } from '../request/select-operation.ts';

export interface ReadGrant {
  readonly path: string;
  readonly query: string;
  /** A GetObject of the whole. */
  readonly target: Target;
  /** From its signing on; and the longest after its coming here that anything may begin by it. */
  readonly expiresSeconds: number;
}

/**
 * Null where the copy has an ordinary source, or nothing is copied.
 * @throws invalid_request and not_implemented for what is presigned and is no GetObject of a whole object
 */
export function parseReadGrant({ operation }: Target, headers: ReadonlyMap<string, string>): ReadGrant | null {
  const value = headers.get(COPY_SOURCE);
  if (value === undefined || !/[?&]X-Amz-Signature=/.test(value)) return null;
  if (operation !== 'CopyObject') {
    throw refuse('NotImplemented', 'A presigned copy source is taken by CopyObject alone.');
  }
  const { path, query, target, refusal, headerParameters } = parseTarget(
    'GET',
    value.startsWith('/') ? value : `/${value}`,
  );
  if (target === null) throw refusal ?? refuse('NotImplemented');
  const isWhole = [...target.query.keys()].every((name) => name === 'versionId') && headerParameters.size === 0;
  if (target.operation !== 'GetObject' || !isWhole) {
    throw refuse('InvalidArgument', 'A presigned copy source is a GetObject of one whole object, and nothing else.');
  }
  // As it is written, for any other way to write it lets nothing begin; that it is there once, and signed, is the signature's to say.
  return { path, query, target, expiresSeconds: Number(/(?:^|&)X-Amz-Expires=(\d{1,6})(?:&|$)/.exec(query)?.[1] ?? 0) };
}

/**
 * The key that gave it, once its signature held and its policy has said yes to this read.
 * @param host as the copy's own request has it, for which it has to be signed
 * @throws as for the GetObject itself
 */
export function admitReadGrant<Key extends AccessKey>(
  options: ListenerOptions<Key>,
  keyCache: SigningKeyCache,
  { path, query, target }: ReadGrant,
  host: string,
  exchange: Exchange,
): Key {
  const verified = verifyRequest(options.crypto, {
    request: { method: 'GET', path, query, headers: [['host', host]] },
    now: options.now(),
    region: options.region,
    service: 's3',
    pathRule: 's3',
    findCredentials: (accessKeyId, token) => options.findKey(accessKeyId, token)?.credentials ?? [],
    keyCache,
  });
  if (!verified.ok) throw refuse(verified.code, `The copy source: ${verified.message}`);
  const key = options.findKey(verified.accessKeyId, verified.sessionToken);
  if (key === undefined) throw refuse('InvalidAccessKeyId');
  options.admit?.(key, exchange);
  const verdict = options.authorize(key, target);
  if (!verdict.ok) throw refuse('AccessDenied', `The copy source: ${verdict.message}`);
  return key;
}
