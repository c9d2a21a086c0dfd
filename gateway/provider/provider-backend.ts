/**
 * Serves verified requests of one provider: what the caller signed for us is signed again for the provider and streamed, with
 * nothing of the caller's but the target, the allowed headers and the bytes. The gateway keeps nothing.
 */
import type { ProviderStore } from '../../config/config.ts';
import type { SigningKeyCache } from '../../sigv4/types.ts';
import type { Backend } from '../backend.ts';
import { sendBucketLocation, setBucketRegion } from './bucket-region.ts';
import { isLate, LateAnswer } from '../listener/late-answer.ts';
import { toOutboundBody } from './outbound-body.ts';
import { toEncryptionHeaders } from './outbound-encryption.ts';
import { mergeHeaders, toOutboundHeaders } from './outbound-headers.ts';
import { toOutboundQuery } from './outbound-query.ts';
import { toProviderAddress } from './provider-address.ts';
import type { ProviderConnection } from './provider-connection.ts';
import type { ProviderCredentials } from './provider-credentials.ts';
import { toProviderFailure } from './provider-failure.ts';
import { createRelayEnd } from './relay-end.ts';
import { createOutboundSigner } from './sign-outbound.ts';

export interface ProviderParts {
  readonly store: ProviderStore;
  readonly credentials: ProviderCredentials;
  readonly connection: ProviderConnection;
  readonly keyCache: SigningKeyCache;
  readonly now?: () => Date;
  /** What callers sign for; absent: as the provider's. */
  readonly callerRegion?: string;
  /** See `late-answer.ts`; tests make it short. */
  readonly keepAliveAfterMs?: number;
}

/** @throws (from `handle`) the provider's refusal as `toProviderFailure` tells; store_unreachable, store_timeout; body_corrupt */
export function createProviderBackend(parts: ProviderParts): Backend {
  const { store, connection } = parts;
  const now = parts.now ?? (() => new Date());
  const callerRegion = parts.callerRegion ?? store.region;
  const signer = createOutboundSigner(store.region, parts.keyCache);
  return {
    relay: createRelayEnd(parts),
    passesMd5: toPassedMd5(store),
    async handle(request, response) {
      const { target } = request;
      const address = toProviderAddress(store, target.bucket, target.key);
      const query = toOutboundQuery(target);
      const passed = toOutboundHeaders(request.headers, target.source);
      const body = await toOutboundBody(request, store);
      try {
        const encryption = toEncryptionHeaders(store.encryption, target.operation, passed);
        const headers = mergeHeaders(passed, [...encryption, ...body.headers]);
        const credentials = await parts.credentials.current();
        const unsigned = { address, method: request.method, query, ...body, headers };
        const outbound = signer.sign(unsigned, credentials, now());
        const asked = { store: store.name, region: store.region, operation: target.operation };
        if (isLate(target.operation)) {
          const late = new LateAnswer(request, response, parts.keepAliveAfterMs);
          const answer = await connection.send(outbound, null, request.caller, late.onBlank);
          late.finish(answer, (refusal) => toProviderFailure(refusal, asked, credentials));
          return;
        }
        if (target.operation === 'GetBucketLocation') {
          const answer = await connection.send(outbound, null, request.caller);
          if (answer !== null && answer.status >= 300) throw toProviderFailure(answer, asked, credentials);
          sendBucketLocation(response, callerRegion);
          return;
        }
        setBucketRegion(response, target.operation, callerRegion);
        const refusal = await connection.send(outbound, response, request.caller);
        if (refusal !== null) throw toProviderFailure(refusal, asked, credentials);
      } finally {
        await body.release();
      }
    },
    close: () => connection.close(),
  };
}

/** A store whose ETags are no MD5s may know nothing of them. */
const toPassedMd5 = ({ etags, unsignedPayload }: ProviderStore): NonNullable<Backend['passesMd5']> =>
  etags !== 'md5' ? [] : unsignedPayload ? ['sha256', 'unsigned'] : ['sha256'];
