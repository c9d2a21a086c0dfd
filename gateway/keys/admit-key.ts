/** Whether a key whose signature held may be used now and from where it is used. */
import { containsAddress } from '../../config/network.ts';
import type { Caller } from './access.ts';
import { refuse } from '../answer/s3-error.ts';
import type { KeyringEntry } from './keyring.ts';

/**
 * A workload key that has expired is not found at all; a session that has expired says so, for its holder asks for a new one then.
 * @throws access_denied; invalid_request with s3Code ExpiredToken
 */
export function admitKey(key: KeyringEntry, caller: Caller, now: Date): void {
  if (key.expiresAt !== null && now.getTime() >= key.expiresAt.getTime()) throw refuse('ExpiredToken');
  if (key.sourceNetworks !== null && !containsAddress(key.sourceNetworks, caller.address)) {
    throw refuse('AccessDenied', 'This key may not be used from this address.');
  }
}
