import type { WorkloadKey } from '../config/config.ts';
import { resolveSecret } from '../config/resolve-secret.ts';
import type { Credentials } from '../sigv4/types.ts';

/**
 * The credentials to sign with. While a key rotates there are two secrets, in a list or on two lines: the first is the one.
 * @throws invalid_config when a reference does not resolve
 */
export async function resolveWorkloadKey(key: WorkloadKey): Promise<Credentials> {
  const [secretRef = 'env:'] = key.secretAccessKeys;
  const [secretAccessKey = ''] = (await resolveSecret(secretRef)).trim().split('\n', 1);
  return {
    accessKeyId: (await resolveSecret(key.accessKeyId)).trim(),
    secretAccessKey: secretAccessKey.trim(),
  };
}
