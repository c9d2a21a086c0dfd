/** Has calls signed, sends them and turns refusals into failures. Knows S3's errors and traffic, not its operations. */
import { WaybillError } from '../../core/failures.ts';
import type { TrafficListener } from '../../core/traffic.ts';
import type { HttpAnswer } from './http-exchange.ts';
import { createHttpTransport } from './http-transport.ts';
import type { HttpTransport } from './http-transport.ts';
import type { RequestSigner, SignedCall } from './request-signer.ts';
import type { S3Call } from './s3-call.ts';
import { callDetails, toS3Failure } from './s3-failure.ts';

/** A request that is too late again and again is not kept from it by one more signature. */
const SIGNATURES_MAX = 3;

export interface S3ClientOptions {
  readonly name: string;
  readonly signer: RequestSigner;
  readonly onTraffic: TrafficListener;
  readonly requestLimitMs: number;
  readonly idleLimitMs: number;
  readonly connectionsMax: number;
  /** Connections shared with other clients, whose owner closes them; without it the client has its own. */
  readonly transport?: HttpTransport;
}

/** A class for the reason that LocalSigner is one. */
export class S3Client {
  readonly #options: S3ClientOptions;
  readonly #transport: HttpTransport;

  constructor(options: S3ClientOptions) {
    this.#options = options;
    this.#transport = options.transport ?? createHttpTransport(options);
  }

  /**
   * Any answer below 300.
   * @throws every failure of error-map.ts and transport-failure.ts; the signal's reason; what the signer throws
   */
  async send(call: S3Call): Promise<HttpAnswer> {
    call.signal?.throwIfAborted();
    const signed = this.#options.signer.sign(call);
    const answer = await (signed instanceof Promise
      ? this.#sendLater(call, signed)
      : this.#exchange(call, signed, this.#options.requestLimitMs, ignore));
    call.onAnswer?.(answer.headers);
    if (answer.status >= 300) throw toS3Failure(call, answer);
    return answer;
  }

  async close(): Promise<void> {
    if (this.#options.transport === undefined) await this.#transport.close();
  }

  /** Where signing takes its time, that is part of the request's: whoever stops writing counts on its limit. */
  async #sendLater(call: S3Call, signing: Promise<SignedCall>): Promise<HttpAnswer> {
    const options = this.#options;
    const begunMs = performance.now();
    let signed = await signing;
    for (let signatures = 1; ; signatures++) {
      call.signal?.throwIfAborted();
      const leftMs = options.requestLimitMs - (performance.now() - begunMs);
      if (leftMs <= 0) throw tooLate(options, call);
      let isLate = false;
      try {
        return await this.#exchange(call, signed, leftMs, () => (isLate = true));
      } catch (error) {
        if (!isLate || signatures === SIGNATURES_MAX) throw error;
      }
      signed = await options.signer.sign(call);
    }
  }

  #exchange(
    call: S3Call,
    { origin, target, headers, beginBeforeMs }: SignedCall,
    requestLimitMs: number,
    onLate: () => void,
  ): Promise<HttpAnswer> {
    const { name, idleLimitMs, onTraffic } = this.#options;
    const sizeBytes =
      call.operation === 'PutObject' || call.operation === 'UploadPart' ? (call.body?.sizeBytes ?? 0) : 0;
    let bodySent = false;
    return this.#transport.send(
      { origin, method: call.method, target, headers, body: call.body },
      {
        requestLimitMs,
        idleLimitMs,
        isObject: call.operation === 'GetObject',
        into: call.into,
        isLent: call.isLent,
        details: () => ({ store: name, ...callDetails(call) }),
        signal: call.signal,
        assertMayBegin: call.assertMayWrite,
        onBodySent: () => (bodySent = true),
        onReport: ({ status, bytesReceived }) => {
          if (call.onAnswer !== undefined) {
            if (status === 0) call.onAnswer(null);
            return;
          }
          onTraffic(call.operation, bytesReceived, bodySent && status !== 0 ? sizeBytes : 0);
        },
        beginBeforeMs,
        onLate,
      },
    );
  }
}

const ignore = (): void => undefined;

const tooLate = ({ name, requestLimitMs }: S3ClientOptions, call: S3Call): WaybillError =>
  new WaybillError('store_timeout', 'the request was not signed within the limit', {
    store: name,
    ...callDetails(call),
    limitMs: requestLimitMs,
  });
