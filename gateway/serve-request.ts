/**
 * One request, from its raw target to its answer, on one linear path: headers → target → signature → what is offered → policy
 * → payload → backend. Verification comes before routing and nothing after it looks at the raw request again, so no handler can
 * forget a check. Until the policy has said yes, no byte of the body is asked for: 100-continue is sent by its first read.
 */
import type { IncomingMessage } from 'node:http';
import { isWaybillError } from '../core/failures.ts';
import type { Operation } from '../core/traffic.ts';
import { createSigningKeyCache } from '../sigv4/signing-key.ts';
import type { Credentials } from '../sigv4/types.ts';
import { verifyRequest } from '../sigv4/verify.ts';
import { WholeBody } from '../stores/rules/whole-body.ts';
import type { AccessKey, Authorize } from './access.ts';
import { answerFailure } from './answer-failure.ts';
import type { BodyChecksum, Payload, Target, VerifiedRequest } from './backend.ts';
import { withCopySource } from './copy-source.ts';
import type { CountedResponse, Exchange } from './exchange.ts';
import { mergeHeaderParameters } from './header-parameters.ts';
import type { ListenerOptions } from './listener-options.ts';
import { parseHeaders } from './parse-headers.ts';
import { parseTarget } from './parse-target.ts';
import { parseContentLength, toBodyPromise, toPayload } from './payload.ts';
import { readWhole } from './read-whole.ts';
import { refuse, toS3Failure, toSignatureFailure, type S3Failure } from './s3-error.ts';
import { COPY_SOURCE } from './select-operation.ts';
import { VerifiedBody } from './verified-body.ts';

/** Objects up to this size are read whole and verified before the backend sees them; it is what one connection may hold. */
const WHOLE_BODY_BYTES = 256 * 1024;

export type ServeRequest = (
  request: IncomingMessage,
  response: CountedResponse,
  expectsContinue: boolean,
) => Promise<void>;

/** Never rejects: whatever goes wrong is answered. */
export function createServeRequest<Key extends AccessKey>(
  options: ListenerOptions<Key>,
  nextRequestId: () => string,
): ServeRequest {
  const { findKey, logger } = options;
  const keyCache = createSigningKeyCache();
  const findCredentials = (accessKeyId: string): readonly Credentials[] => findKey(accessKeyId)?.credentials ?? [];

  return async (request, response, expectsContinue) => {
    const requestId = nextRequestId();
    const exchange: Exchange = {
      requestId,
      startedMs: performance.now(),
      operation: 'Unknown',
      code: '',
      accessKeyId: '',
      bucket: '',
      body: null,
      onRecord: options.onRequest,
    };
    response.exchange = exchange;
    try {
      const outside = options.outside?.(request, response, requestId);
      if (outside !== undefined && outside !== null) return await outside;
      const failure = await serve(request, response, exchange, expectsContinue);
      if (failure !== null) answerFailure(request, response, exchange, failure, expectsContinue);
    } catch (error) {
      // A body that was refused is the cause, whatever the backend made of its failing.
      const cause = exchange.body?.failure ?? error;
      const failure = toS3Failure(cause);
      if (failure.status >= 500 && failure.status !== 501) {
        logger.error(
          { requestId, operation: exchange.operation, bucket: exchange.bucket, err: cause },
          'request failed',
        );
      } else if (!isWaybillError(cause)) {
        logger.warn({ requestId, err: cause }, 'request refused by an unexpected failure');
      }
      answerFailure(request, response, exchange, failure, expectsContinue);
    }
  };

  async function serve(
    request: IncomingMessage,
    response: CountedResponse,
    exchange: Exchange,
    expectsContinue: boolean,
  ): Promise<S3Failure | null> {
    const method = request.method ?? '';
    const headers = parseHeaders(request.rawHeaders);
    const {
      path,
      query,
      target: place,
      notOffered,
      headerParameters,
    } = parseTarget(method, request.url ?? '', headers.byName.has(COPY_SOURCE));
    if (place !== null) {
      exchange.operation = place.operation;
      exchange.bucket = place.bucket;
    }
    const verified = verifyRequest(options.crypto, {
      request: { method, path, query, headers: headers.pairs },
      now: options.now(),
      region: options.region,
      service: 's3',
      pathRule: 's3',
      findCredentials,
      keyCache,
    });
    if (!verified.ok) return toSignatureFailure(verified);
    const key = findKey(verified.accessKeyId);
    if (key === undefined) throw refuse('InvalidAccessKeyId');
    exchange.accessKeyId = verified.accessKeyId;
    if (place === null) throw refuse('NotImplemented', `${notOffered} is not offered.`);
    if (headerParameters.size > 0) mergeHeaderParameters(headers.byName, headerParameters);
    const byName = headers.byName;
    const target = withCopySource(place, byName);
    const verdict = options.authorize(key, target);
    if (!verdict.ok) throw refuse('AccessDenied', verdict.message);
    if (target.source !== undefined) {
      // A right to write is no right to read what is to be written.
      const read = options.authorize(key, { operation: 'GetObject', query: new Map(), ...target.source });
      if (!read.ok) throw refuse('AccessDenied', read.message);
    }

    const { operation } = target;
    const contentLength = parseContentLength(byName, operation);
    const payload = toPayload(verified.payloadHash, operation, contentLength, key.allowUnsignedPayload);
    const body = new VerifiedBody(
      request,
      toBodyPromise(payload, byName, contentLength),
      expectsContinue ? () => response.writeContinue() : null,
    );
    exchange.body = body;
    const isStreamed = contentLength > WHOLE_BODY_BYTES && (operation === 'PutObject' || operation === 'UploadPart');
    const served = new ServedRequest(options.authorize, key, response, {
      requestId: exchange.requestId,
      accessKeyId: verified.accessKeyId,
      method,
      target,
      headers: byName,
      payload,
      checksum: null,
      contentLength,
      body: isStreamed ? body : new WholeBody(await readWhole(body, contentLength)),
    });
    await options.route(key).handle(served, response);
    return null;
  }
}

type Facts = Omit<VerifiedRequest, 'signal' | 'permits'>;

/** A class, so that the signal is made only when it is asked for. */
class ServedRequest<Key extends AccessKey> implements VerifiedRequest {
  readonly requestId: string;
  readonly accessKeyId: string;
  readonly method: string;
  readonly target: Target;
  readonly headers: ReadonlyMap<string, string>;
  readonly payload: Payload;
  readonly checksum: BodyChecksum | null;
  readonly contentLength: number;
  readonly body: AsyncIterable<Uint8Array>;
  readonly #authorize: Authorize<Key>;
  readonly #key: Key;
  readonly #response: CountedResponse;

  constructor(authorize: Authorize<Key>, key: Key, response: CountedResponse, facts: Facts) {
    this.requestId = facts.requestId;
    this.accessKeyId = facts.accessKeyId;
    this.method = facts.method;
    this.target = facts.target;
    this.headers = facts.headers;
    this.payload = facts.payload;
    this.checksum = facts.checksum;
    this.contentLength = facts.contentLength;
    this.body = facts.body;
    this.#authorize = authorize;
    this.#key = key;
    this.#response = response;
  }

  get signal(): AbortSignal {
    return this.#response.signal;
  }

  permits(operation: Operation, key: string): boolean {
    return this.#authorize(this.#key, { operation, bucket: this.target.bucket, key, query: new Map() }).ok;
  }
}
