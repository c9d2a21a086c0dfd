/**
 * One request, from its raw target to its answer, on one linear path: headers → target → signature → what is offered → policy
 * → payload → backend. Verification comes before routing and nothing after it looks at the raw request again, so no handler can
 * forget a check. Until the policy has said yes, no byte of the body is asked for: 100-continue is sent by its first read.
 */
import type { IncomingMessage } from 'node:http';
import { BlockList } from 'node:net';
import { isWaybillError, type WaybillError } from '../core/failures.ts';
import type { Operation } from '../core/traffic.ts';
import { toAmzDate } from '../sigv4/amz-date.ts';
import { createSigningKeyCache } from '../sigv4/signing-key.ts';
import type { Credentials } from '../sigv4/types.ts';
import { verifyRequest } from '../sigv4/verify.ts';
import { WholeBody } from '../stores/rules/whole-body.ts';
import type { AccessKey, Authorize } from './keys/access.ts';
import { authorizeRequest } from './keys/authorize-request.ts';
import { answerFailure } from './answer/answer-failure.ts';
import type { Backend, BodyChecksum, Payload, Target, VerifiedRequest } from './backend.ts';
import { isStreaming, notStreamable, planBody } from './body/plan-body.ts';
import { readWhole } from './body/read-whole.ts';
import { VerifiedBody } from './body/verified-body.ts';
import { withCopySource } from './request/copy-source.ts';
import type { Caller } from './listener/caller.ts';
import { findCallerAddress } from './listener/caller-address.ts';
import { createExchange, type CountedResponse, type Exchange } from './listener/exchange.ts';
import { admitReadGrant, parseReadGrant, type ReadGrant } from './relay/read-grant.ts';
import { relayObject, type Relay } from './relay/relay-object.ts';
import { mergeHeaderParameters } from './request/header-parameters.ts';
import type { ListenerOptions } from './listener/listener-options.ts';
import { parseHeaders } from './request/parse-headers.ts';
import { parseTarget } from './request/parse-target.ts';
import { refuse, toS3Failure, toSignatureFailure, type S3Failure } from './answer/s3-error.ts';
import { COPY_SOURCE } from './request/select-operation.ts';

/** Objects up to this size are read whole and verified before the backend sees them; it is what one connection may hold. */
const WHOLE_BODY_BYTES = 256 * 1024;

/** Of a claimed access key id that is logged. */
const CLAIMED_LENGTH_MAX = 8;

/** S3 says so of any object, also where a request without it would be denied. */
const ANONYMOUS_OVERRIDE = 'Request specific response headers cannot be used for anonymous GET requests.';

const hasOverride = ({ operation, query }: Target): boolean =>
  (operation === 'GetObject' || operation === 'HeadObject') &&
  [...query.keys()].some((name) => name.startsWith('response-'));

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
  const trustedProxies = options.trustedProxies ?? new BlockList();
  const findCredentials = (accessKeyId: string, sessionToken: string | null): readonly Credentials[] =>
    findKey(accessKeyId, sessionToken)?.credentials ?? [];

  return async (request, response, expectsContinue) => {
    const requestId = nextRequestId();
    const forwardedFor = request.headers['x-forwarded-for'];
    const address = findCallerAddress(request.socket.remoteAddress, forwardedFor, trustedProxies);
    const exchange = createExchange(requestId, address, options.onRequest);
    response.exchange = exchange;
    try {
      const malformed = findMalformed(request);
      if (malformed !== null) {
        // Where a request of another version or coding ends is not for us to say.
        response.shouldKeepAlive = false;
        throw malformed;
      }
      const outside = options.outside?.(request, response, requestId);
      if (outside !== undefined && outside !== null) return await outside;
      const failure = await serve(request, response, exchange, expectsContinue);
      if (failure !== null) answerFailure(request, response, exchange, failure, expectsContinue);
    } catch (error) {
      // A body that was refused is the cause, whatever the backend made of its failing.
      const cause = exchange.body?.failure ?? error;
      const failure = toS3Failure(cause);
      if (response.destroyed && cause instanceof Error && cause.name === 'AbortError') {
        // The caller left, and what was done for it was stopped: its record says 499, and nothing is wrong here.
        logger.debug({ requestId }, 'request abandoned by its caller');
      } else if (failure.status >= 500 && failure.status !== 501) {
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

  /** The other end of a copy between two stores. @throws as for reading it there */
  function openRelay(
    grant: ReadGrant,
    key: Key,
    to: Backend,
    exchange: Exchange,
    host: string,
    response: CountedResponse,
  ): Relay {
    const reader = admitReadGrant(options, keyCache, grant, host, exchange);
    const { bucket, key: object } = grant.target;
    const relayed = { key: reader.name, store: reader.store ?? '', bucket, object };
    exchange.relayed = relayed;
    const from = options.route(reader, response);
    return { grant, from, to, memory: options.memory, mayBeUnsigned: key.allowUnsignedPayload, relayed };
  }

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
      refusal,
      headerParameters,
    } = parseTarget(method, request.url ?? '', headers.byName.has(COPY_SOURCE));
    if (place !== null) {
      exchange.operation = place.operation;
      exchange.bucket = place.bucket;
      exchange.object = place.key;
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
    if (!verified.ok) {
      // No more of it: somebody may have put the secret where the id belongs.
      exchange.claimed = (verified.accessKeyId ?? '').slice(0, CLAIMED_LENGTH_MAX);
      if (verified.code === 'SignatureDoesNotMatch' && verified.accessKeyId !== undefined) {
        const arrived = { method, path, query, headers: headers.pairs };
        options.onSignatureRefused?.(exchange.requestId, arrived, verified.accessKeyId);
      }
      return verified.isAnonymous === true && place !== null && hasOverride(place)
        ? toS3Failure(refuse('InvalidRequest', ANONYMOUS_OVERRIDE))
        : toSignatureFailure(verified);
    }
    const key = findKey(verified.accessKeyId, verified.sessionToken);
    if (key === undefined) throw refuse('InvalidAccessKeyId');
    exchange.accessKeyId = verified.accessKeyId;
    exchange.key = key;
    exchange.signedBy = verified.form;
    options.admit?.(key, exchange);
    if (place === null)
      throw isStreaming(verified.payloadHash) ? notStreamable() : (refusal ?? refuse('NotImplemented'));
    if (headerParameters.size > 0) mergeHeaderParameters(headers.byName, headerParameters);
    const byName = headers.byName;
    const grant = parseReadGrant(place, byName);
    const target = grant === null ? withCopySource(place, byName) : place;
    const verdict = authorizeRequest(options.authorize, key, target);
    if (!verdict.ok) throw refuse('AccessDenied', verdict.message);

    // Now, by the state that has allowed it: while the body comes, the store's name may come to stand for another.
    const backend = options.route(key, response);
    const relay = grant === null ? null : openRelay(grant, key, backend, exchange, byName.get('host') ?? '', response);

    const { operation } = target;
    const { scope, signature, signingKey, payloadHash } = verified;
    const promised = planBody({
      operation,
      headers: byName,
      payloadHash,
      seed: { signingKey, scope, amzDate: toAmzDate(verified.at), seedSignature: signature },
      mayBeUnsigned: key.allowUnsignedPayload,
    });
    const isStreamed =
      promised.lengthBytes > WHOLE_BODY_BYTES
        ? operation === 'PutObject' || operation === 'UploadPart'
        : operation === 'UploadPart' && promised.checksum !== null && backend.keepsUploads === true;
    const isMd5Passed =
      isStreamed && promised.chunked === null && backend.passesMd5?.includes(promised.payload.kind) === true;
    const plan = isMd5Passed ? { ...promised, md5: null } : promised;
    const sendContinue = expectsContinue ? () => response.writeContinue() : null;
    const body = await VerifiedBody.create(request, plan, options.crypto, sendContinue);
    exchange.body = body;
    // The connection may have ended while the checks were made, when there was no body yet that could be told.
    if (response.destroyed) body.abandon();
    try {
      if (!isStreamed) options.memory?.hold(response, plan.lengthBytes);
      const served = new ServedRequest(options.authorize, key, response, {
        requestId: exchange.requestId,
        accessKeyId: verified.accessKeyId,
        method,
        target,
        headers: byName,
        verified: body,
        body: isStreamed ? body : new WholeBody(await readWhole(body)),
      });
      await (relay === null ? backend.handle(served, response) : relayObject(served, response, relay));
      return null;
    } finally {
      body.release();
    }
  }
}

/**
 * What the HTTP parser lets pass: it reads HTTP/0.9 and HTTP/2.0 as if they were HTTP/1.1, may be asked without a Host, and takes
 * chunked off where it is the last of several codings, one of which a proxy before us may have read otherwise.
 */
function findMalformed(request: IncomingMessage): WaybillError | null {
  const { httpVersion, headers } = request;
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return refuse('BadRequest');
  if (httpVersion === '1.1' && headers.host === undefined) {
    return refuse('InvalidRequest', 'Missing required header for this request: host');
  }
  const coding = headers['transfer-encoding']?.toLowerCase();
  // One that does not end with chunked is the parser's own to refuse, and it does so while we are here.
  if (coding !== undefined && coding !== 'chunked' && /[\s,]chunked$/.test(coding)) {
    return refuse('NotImplemented', undefined, { header: 'Transfer-Encoding' });
  }
  return null;
}

type Facts = Omit<VerifiedRequest, 'signal' | 'caller' | 'permits' | 'payload' | 'checksum' | 'contentLength'> & {
  readonly verified: VerifiedBody;
};

/** A class, so that the signal is made only when it is asked for. */
class ServedRequest<Key extends AccessKey> implements VerifiedRequest {
  readonly requestId: string;
  readonly accessKeyId: string;
  readonly method: string;
  readonly target: Target;
  readonly headers: ReadonlyMap<string, string>;
  readonly payload: Payload;
  readonly contentLength: number;
  readonly body: AsyncIterable<Uint8Array>;
  readonly #verified: VerifiedBody;
  readonly #authorize: Authorize<Key>;
  readonly #key: Key;
  readonly #response: CountedResponse;

  constructor(authorize: Authorize<Key>, key: Key, response: CountedResponse, facts: Facts) {
    this.requestId = facts.requestId;
    this.accessKeyId = facts.accessKeyId;
    this.method = facts.method;
    this.target = facts.target;
    this.headers = facts.headers;
    this.payload = facts.verified.plan.payload;
    this.contentLength = facts.verified.plan.lengthBytes;
    this.body = facts.body;
    this.#verified = facts.verified;
    this.#authorize = authorize;
    this.#key = key;
    this.#response = response;
  }

  get signal(): AbortSignal {
    return this.#response.signal;
  }

  get caller(): Caller {
    return this.#response;
  }

  get checksum(): BodyChecksum | null {
    return this.#verified.checksum;
  }

  permits(operation: Operation, key: string): boolean {
    return this.#authorize(this.#key, { operation, bucket: this.target.bucket, key, query: new Map() }).ok;
  }
}
