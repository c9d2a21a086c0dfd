/**
 * Which query parameters of an operation reach a provider. A sub-resource that is not of the operation would make it another
 * one (`?acl` turns PutObject into PutObjectAcl) that no policy was asked about, so it is refused and never passed.
 */
import { WaybillError } from '../../core/failures.ts';
import type { Target } from '../backend.ts';
import { PARAMETERS } from '../request/select-operation.ts';

/** Names the operation for the SDK's own use; it changes nothing and is left out. */
const IGNORED = 'x-id';

/**
 * Name and value pairs, decoded, in the order of the request.
 * @throws not_implemented for a parameter that is not of the operation.
 */
export function toOutboundQuery(target: Target): [string, string][] {
  const allowed = PARAMETERS[target.operation];
  const outbound: [string, string][] = [];
  for (const [name, value] of target.query) {
    if (name === IGNORED) continue;
    if (!allowed.includes(name)) {
      throw new WaybillError('not_implemented', 'the gateway does not carry this query parameter', {
        operation: target.operation,
        parameter: name.slice(0, 64),
      });
    }
    outbound.push([name, value]);
  }
  return outbound;
}
