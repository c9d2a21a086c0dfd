/**
 * What a copy reads: the source under its x-amz-copy-source-if-… conditions, judged on the very object whose bytes follow. The
 * policy has allowed the read; the listener has parsed the source once.
 */
import type { GetRequest, GetResult } from '../../stores/store.ts';
import type { CopySource, VerifiedRequest } from '../backend.ts';
import { refuse } from '../answer/s3-error.ts';
import { checkCustomerKey } from './customer-key.ts';
import { judgeReadConditions } from './read-conditions.ts';
import { checkVersionText } from './version-id.ts';

const PREFIX = 'x-amz-copy-source-';
const CONDITIONS = ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since'];

/** @throws InvalidRequest: the listener selects no copy without a source */
export function toSource(request: VerifiedRequest): CopySource {
  const { source } = request.target;
  if (source === undefined) throw refuse('InvalidRequest', 'A copy has a source.');
  return source;
}

/** The caller reads the body to its end or leaves it. @throws PreconditionFailed; no_such_bucket, no_such_key */
export async function openSource(
  request: VerifiedRequest,
  open: (request: GetRequest) => Promise<GetResult>,
): Promise<GetResult> {
  const { bucket, key, versionId } = toSource(request);
  checkVersionText(versionId);
  checkCustomerKey(request.headers, PREFIX);
  const result = await open({ bucket, key, ...(versionId !== undefined && { versionId }), signal: request.signal });
  // A copy has no answer that would mean "not modified": both kinds of no are 412.
  if (judgeReadConditions(toConditions(request), result.info) === 'send') return result;
  await leave(result);
  throw refuse('PreconditionFailed');
}

/** Gives the source back unread. */
export async function leave(source: GetResult): Promise<void> {
  await source.body[Symbol.asyncIterator]().return?.();
}

/** The conditions on the source, by the names that they have on a read. */
function toConditions(request: VerifiedRequest): ReadonlyMap<string, string> {
  const conditions = new Map<string, string>();
  for (const name of CONDITIONS) {
    const value = request.headers.get(PREFIX + name);
    if (value !== undefined) conditions.set(name, value);
  }
  return conditions;
}
