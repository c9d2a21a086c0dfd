/** Sends the payload of POST /upload to its provider: one signed PUT of bytes that are in memory. */
import type { ProviderStore } from '../../config/config.ts';
import { callerOf } from '../listener/caller.ts';
import { createOutboundSigner } from '../provider/sign-outbound.ts';
import { toEncryptionHeaders } from '../provider/outbound-encryption.ts';
import { mergeHeaders, toOutboundHeaders } from '../provider/outbound-headers.ts';
import { toOutboundQuery } from '../provider/outbound-query.ts';
import { toProviderAddress } from '../provider/provider-address.ts';
import type { ProviderParts } from '../provider/provider-backend.ts';
import { toProviderFailure } from '../provider/provider-failure.ts';
import type { UploadEnvelope } from './upload-envelope.ts';
import type { UploadTarget } from './upload-target.ts';

export interface UploadCall extends UploadTarget {
  readonly envelope: UploadEnvelope;
  readonly signal: AbortSignal;
}

export interface UploadAnswer {
  readonly status: number;
  /** As the provider wrote it, with its quotes; null when it gave none. */
  readonly etag: string | null;
}

export type SendUpload = (call: UploadCall) => Promise<UploadAnswer>;

/** What a payload is where its caller does not say, so that the header set does not depend on who asks. */
const CONTENT_TYPE_DEFAULT = 'application/octet-stream';

/** @throws (from the function) the provider's refusal as `toProviderFailure` tells; store_unreachable, store_timeout */
export function createSendUpload(parts: ProviderParts): SendUpload {
  const { store } = parts;
  const now = parts.now ?? (() => new Date());
  const signer = createOutboundSigner(store.region, parts.keyCache);
  return async ({ target, addressing, envelope, signal }) => {
    const address = toProviderAddress(toAddressing(store, addressing), target.bucket, target.key);
    const passed = toOutboundHeaders(new Map([['content-type', CONTENT_TYPE_DEFAULT], ...envelope.headers]));
    const headers = mergeHeaders(passed, toEncryptionHeaders(store.encryption, target.operation, passed));
    const credentials = await parts.credentials.current();
    const outbound = signer.sign(
      {
        address,
        method: envelope.method,
        query: toOutboundQuery(target),
        headers,
        payloadHash: envelope.payloadSha256,
        contentLength: envelope.payload.byteLength,
        body: envelope.payload,
      },
      credentials,
      now(),
    );
    const answer = await parts.connection.send(outbound, null, callerOf(signal));
    if (answer === null || answer.status >= 300) {
      throw toProviderFailure(
        answer ?? { status: 502, headers: {}, body: new Uint8Array(0) },
        { store: store.name, region: store.region, operation: target.operation },
        credentials,
      );
    }
    return { status: answer.status, etag: answer.headers.etag ?? null };
  };
}

const toAddressing = (store: ProviderStore, addressing: ProviderStore['addressing']): ProviderStore => ({
  ...store,
  addressing,
});
