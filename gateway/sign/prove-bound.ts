/**
 * Whether a store refuses a request with an x-amz- header that its signature does not cover. AWS does; MinIO takes it (measured, 2026).
 * Where it is taken, a signed PUT is more than itself: whoever holds it adds x-amz-copy-source and reads, with the store's credentials,
 * what no policy would let him, or x-amz-acl and opens the object to the world. So before the first write is signed for a store,
 * it is asked: for an object that is not there, with such a header beside the signature.
 *
 * What holds is kept as long as the store is open; what does not is asked again after a minute.
 */
import { randomBytes } from 'node:crypto';
import type { ProviderStore } from '../../config/config.ts';
import { WaybillError } from '../../core/failures.ts';
import type { SigningKeyCache } from '../../sigv4/types.ts';
import { callerOf } from '../listener/caller.ts';
import { EMPTY_SHA256 } from '../body/plan-body.ts';
import { toProviderAddress } from '../provider/provider-address.ts';
import type { ProviderConnection } from '../provider/provider-connection.ts';
import type { ProviderCredentials } from '../provider/provider-credentials.ts';
import type { ProviderAnswer } from '../provider/provider-failure.ts';
import { createOutboundSigner } from '../provider/sign-outbound.ts';

export interface ProveBoundParts {
  readonly store: ProviderStore;
  readonly credentials: ProviderCredentials;
  readonly connection: ProviderConnection;
  readonly keyCache: SigningKeyCache;
  readonly now: () => Date;
}

/** @throws (from the function) bad_credentials; store_unreachable, store_timeout, store_error */
export type ProveBound = (bucket: string) => Promise<boolean>;

const ASK_LIMIT_MS = 10_000;
const ASK_AGAIN_MS = 60_000;
const UNSIGNED: readonly string[] = ['x-amz-meta-waybill-unsigned', '1'];
/** AWS's message and element; our own store's. */
const NAMES_IT = /HeadersNotSigned|not signed/;

export function createProveBound({ store, credentials, connection, keyCache, now }: ProveBoundParts): ProveBound {
  const signer = createOutboundSigner(store.region, keyCache);
  let proof: Promise<boolean> | null = null;

  const get = async (bucket: string, more: readonly string[]): Promise<ProviderAnswer> => {
    const outbound = signer.sign(
      {
        address: toProviderAddress(store, bucket, `waybill-unsigned-${randomBytes(8).toString('hex')}`),
        method: 'GET',
        query: [],
        headers: [],
        payloadHash: EMPTY_SHA256,
        contentLength: null,
        body: null,
      },
      await credentials.current(),
      now(),
    );
    const asked = { ...outbound, headers: [...outbound.headers, ...more] };
    const answer = await connection.send(asked, null, callerOf(AbortSignal.timeout(ASK_LIMIT_MS)));
    return answer ?? { status: 502, headers: {}, body: new Uint8Array(0) };
  };

  const ask = async (bucket: string): Promise<boolean> => {
    const answer = await get(bucket, UNSIGNED);
    if (answer.status >= 500) {
      const details = { store: store.name, status: answer.status };
      throw new WaybillError('store_error', 'the store could not be asked what its signatures bind', details);
    }
    if (answer.status !== 403 && answer.status !== 400) return false;
    if (NAMES_IT.test(Buffer.from(answer.body).toString('utf8'))) return true;
    // A refusal may have another reason; then the same without the header is refused as well.
    const control = await get(bucket, []);
    return control.status === 404;
  };

  return (bucket) => {
    if (store.unsafeDirectWrites === true) return Promise.resolve(true);
    if (proof !== null) return proof;
    const asking = ask(bucket);
    proof = asking;
    const forget = (): void => {
      if (proof === asking) proof = null;
    };
    asking.then((isBound) => {
      if (!isBound) setTimeout(forget, ASK_AGAIN_MS).unref();
    }, forget);
    return asking;
  };
}
