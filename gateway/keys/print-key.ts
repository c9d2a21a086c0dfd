/** A workload key as operators see it on the admin listener: neither its secrets nor its access key id. */
import type { WorkloadKey } from '../../config/config.ts';

export type KeyState = 'valid' | 'expired' | 'revoked';

export function printKey(key: WorkloadKey, state: KeyState, secrets: number): object {
  return {
    name: key.name,
    state,
    store: key.store,
    operations: key.operations,
    buckets: key.buckets,
    prefixes: key.prefixes,
    source_networks: key.sourceNetworks,
    expires: key.expiresAt?.toISOString() ?? null,
    allow_unsigned_payload: key.allowUnsignedPayload,
    upload: key.upload,
    session: key.session,
    // Two while it rotates.
    secrets,
  };
}
