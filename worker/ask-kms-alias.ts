/**
 * Asks the gateway whether the KMS alias of a run's target exists, before anything is listed or copied. The worker has no credentials
 * that a KMS would take; the gateway signs with the store's (`POST /kms/check`).
 *
 * Only an alias is looked for: of a key's id or ARN only the store itself can say whether it may be used.
 */
import type { CheckEncryption } from '../activities/runtime.ts';
import type { Config, WorkerConfig } from '../config/config.ts';
import { resolveSecret } from '../config/resolve-secret.ts';
import { WaybillError } from '../core/failures.ts';
import type { FailureType } from '../core/failures.ts';
import { FAILURES } from '../core/failures.ts';
import { sha256Hex } from '../sigv4/hex.ts';
import { nodeCrypto } from '../sigv4/node-crypto.ts';
import { signRequest } from '../sigv4/sign.ts';

const isAlias = (kmsKeyId: string): boolean => /(?:^|:)alias\//.test(kmsKeyId);

/** @throws (from the function) invalid_config where there is no such alias; what the gateway says of the KMS otherwise */
export function createCheckEncryption(config: Config, worker: WorkerConfig): CheckEncryption {
  return async (storeName, encryption, signal) => {
    const store = config.stores.get(storeName);
    const key = config.gateway?.keys.find(({ name }) => name === worker.keys[storeName]);
    if (store?.kind !== 'provider' || config.gateway === null || key === undefined) return 'not checked';
    const alias = (encryption ?? store.encryption)?.kmsKeyId ?? null;
    if (alias === null || !isAlias(alias)) return 'not checked';
    const body = JSON.stringify({ alias });
    const endpoint = new URL(worker.gatewayEndpoint);
    const secretRef = key.secretAccessKeys[0] as string;
    const { headers } = signRequest(nodeCrypto, {
      request: {
        method: 'POST',
        path: '/kms/check',
        query: '',
        headers: [
          ['host', endpoint.host],
          ['content-type', 'application/json'],
        ],
      },
      credentials: {
        accessKeyId: (await resolveSecret(key.accessKeyId)).trim(),
        secretAccessKey: firstLine(await resolveSecret(secretRef)),
      },
      region: config.gateway.region,
      service: 's3',
      pathRule: 's3',
      payloadHash: sha256Hex(nodeCrypto, body),
      at: new Date(),
    });
    const limit = AbortSignal.any([signal, AbortSignal.timeout(worker.requestLimitMs)]);
    const answer = await ask(new URL('/kms/check', endpoint), headers, body, limit, storeName).catch((error: unknown) => {
      // A cancelled activity ends as cancelled, whatever it was waiting for.
      signal.throwIfAborted();
      throw error;
    });
    if (answer.exists === false) {
      throw new WaybillError('invalid_config', 'the KMS of the target has no such alias', { store: storeName, alias });
    }
    return answer.exists === true ? 'exists' : 'not checked';
  };
}

interface Answer {
  readonly exists?: unknown;
  readonly type?: unknown;
  readonly message?: unknown;
}

async function ask(
  url: URL,
  headers: readonly (readonly [string, string])[],
  body: string,
  signal: AbortSignal,
  store: string,
): Promise<Answer> {
  let response: Response;
  let answer: Answer;
  try {
    // fetch sets Host by itself, and refuses to be told.
    const sent = headers.filter(([name]) => name !== 'host').map(([name, value]): [string, string] => [name, value]);
    response = await fetch(url, { method: 'POST', headers: sent, body, signal, redirect: 'error' });
    answer = (await response.json()) as Answer;
  } catch (cause) {
    throw new WaybillError('store_unreachable', 'the gateway cannot be asked for a KMS alias', { store }, { cause });
  }
  if (response.ok) return answer;
  const message = typeof answer.message === 'string' ? answer.message : `the gateway answered ${response.status}`;
  throw new WaybillError(toFailureType(answer.type, response.status), message, { store, status: response.status });
}

/** The gateway's problems name a failure of our own table. */
function toFailureType(type: unknown, status: number): FailureType {
  const name = typeof type === 'string' ? type.replace('urn:waybill:failure:', '') : '';
  if (Object.hasOwn(FAILURES, name)) return name as FailureType;
  return status >= 500 ? 'store_error' : 'store_refused';
}

const firstLine = (text: string): string => text.trim().split('\n', 1)[0]?.trim() ?? '';
