/** A store of the stack, straight and with the provider's credentials: how the demo and the tests look behind the service's back. */
import type { Credentials } from '../sigv4/types.ts';
import { createS3Store } from '../stores/s3/s3-store.ts';
import type { Store } from '../stores/store.ts';

export function openStore(port: number, credentials: Credentials): Store {
  return createS3Store({
    name: `port-${port}`,
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    addressing: 'path',
    credentials: () => credentials,
    requestLimitMs: 30_000,
    connectionsMax: 16,
    etags: 'md5',
  });
}
