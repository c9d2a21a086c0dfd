/**
 * Asks the gateway whether the KMS alias of a run's target exists, before anything is listed or copied. The worker has no credentials
 * that a KMS would take; the gateway signs with the store's (`POST /kms/check`).
 *
 * Only an alias is looked for: of a key's id or ARN only the store itself can say whether it may be used.
 */
import type { CheckEncryption } from '../activities/runtime.ts';
import type { Config, WorkerConfig } from '../config/config.ts';
import { WaybillError } from '../core/failures.ts';
import type { FailureType } from '../core/failures.ts';
import { FAILURES } from '../core/failures.ts';
import { askGateway, type GatewayAnswer } from './ask-gateway.ts';
import { resolveWorkloadKey } from './resolve-workload-key.ts';

const isAlias = (kmsKeyId: string): boolean => /(?:^|:)alias\//.test(kmsKeyId);

/** @throws (from the function) invalid_config where there is no such alias; what the gateway says of the KMS otherwise */
export function createCheckEncryption(config: Config, worker: WorkerConfig): CheckEncryption {
  return async (storeName, encryption, signal) => {
    const store = config.stores.get(storeName);
    const key = config.gateway?.keys.find(({ name }) => name === worker.keys[storeName]);
    if (store?.kind !== 'provider' || config.gateway === null || key === undefined) return 'not checked';
    const alias = (encryption ?? store.encryption)?.kmsKeyId ?? null;
    if (alias === null || !isAlias(alias)) return 'not checked';
    const limit = AbortSignal.any([signal, AbortSignal.timeout(worker.requestLimitMs)]);
    const answer = await askGateway({
      endpoint: worker.gatewayEndpoint,
      path: '/kms/check',
      region: config.gateway.region,
      credentials: await resolveWorkloadKey(key),
      body: { alias },
      at: new Date(),
      signal: limit,
      store: storeName,
      what: 'a KMS alias',
    }).catch((error: unknown) => {
      // A cancelled activity ends as cancelled, whatever it was waiting for.
      signal.throwIfAborted();
      throw error;
    });
    const exists = readAnswer(answer, storeName)['exists'];
    if (exists === false) {
      throw new WaybillError('invalid_config', 'the KMS of the target has no such alias', { store: storeName, alias });
    }
    return exists === true ? 'exists' : 'not checked';
  };
}

function readAnswer({ status, body }: GatewayAnswer, store: string): GatewayAnswer['body'] {
  if (status >= 200 && status < 300) return body;
  const said = body['message'];
  const message = typeof said === 'string' ? said : `the gateway answered ${status}`;
  throw new WaybillError(toFailureType(body['type'], status), message, { store, status });
}

/** The gateway's problems name a failure of our own table. */
function toFailureType(type: unknown, status: number): FailureType {
  const name = typeof type === 'string' ? type.replace('urn:waybill:failure:', '') : '';
  if (Object.hasOwn(FAILURES, name)) return name as FailureType;
  return status >= 500 ? 'store_error' : 'store_refused';
}
