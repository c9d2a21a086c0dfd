/**
 * `POST /kms/check`: `{alias}` becomes `{store, alias, exists}` for the store of the key that signed the request. `exists` is null where
 * the gateway knows no KMS of that store. Workers ask at the start of a run; they hold no credentials that a KMS would take.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { WaybillError } from '../../core/failures.ts';
import { CountedResponse } from '../listener/exchange.ts';
import type { HasKmsAlias } from './kms-aliases.ts';
import type { KeyringEntry } from '../keys/keyring.ts';
import { readEnvelope } from '../upload/read-envelope.ts';
import { refuse } from '../answer/s3-error.ts';

/** AWS: a name of 1–256 characters behind `alias/`, or an ARN. */
const ALIAS = /^(?:arn:[\w-]{1,32}:kms:[a-z0-9-]{1,32}:\d{12}:)?alias\/[\w/-]{1,250}$/;

/** @throws access_denied for a key that may not write; invalid_request; whatever the KMS answers */
export async function checkKmsAlias(
  key: KeyringEntry,
  hasKmsAlias: HasKmsAlias | null,
  payloadHash: string | null,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<{ store: string; alias: string; exists: boolean | null }> {
  if (!key.policy.operations.has('write')) throw refuse('AccessDenied', 'This key may not write to its store.');
  const alias = parseAlias(await readEnvelope(request, response, payloadHash, 0));
  const signal = response instanceof CountedResponse ? response.signal : new AbortController().signal;
  return { store: key.store, alias, exists: hasKmsAlias === null ? null : await hasKmsAlias(alias, signal) };
}

function parseAlias(json: Uint8Array): string {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(json).toString('utf8'));
  } catch {
    value = null;
  }
  const alias = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)['alias'] : undefined;
  if (typeof alias === 'string' && ALIAS.test(alias)) return alias;
  throw new WaybillError('invalid_request', 'the body is {"alias": "alias/NAME"}, or the ARN of one', {
    s3Code: 'InvalidRequest',
  });
}
