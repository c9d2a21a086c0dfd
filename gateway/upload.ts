/**
 * `POST /upload`: an explicit contract beside S3, for callers that have no S3 client. `{target_url, method, headers, payload_base64}`
 * becomes one signed PUT to the provider, and its answer `{status, etag}`, the ETag as the provider wrote it.
 *
 * - The caller signs the request like any S3 request (service s3, header form, the hash of the JSON in x-amz-content-sha256) with a
 *   workload key that has `upload: true`. The target passes through the same policy as the key's S3 requests.
 * - The payload is in memory, hashed, and signed as the bytes that are sent. The same envelope gives the same canonical request
 *   every time, but for the date and a session token.
 * - It shares its listener with S3. No S3 operation is lost by that: POST of a bucket without a query is a browser's form, which is
 *   not offered; a bucket named `upload` works.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ProviderStore } from '../config/config.ts';
import { isWaybillError, WaybillError } from '../core/failures.ts';
import { nodeCrypto } from '../sigv4/node-crypto.ts';
import type { SigningKeyCache } from '../sigv4/types.ts';
import { verifyRequest } from '../sigv4/verify.ts';
import { answerProblem } from './answer-problem.ts';
import type { Problem } from './answer-problem.ts';
import { CountedResponse } from './exchange.ts';
import type { Keyring, KeyringEntry } from './keyring.ts';
import type { Admit } from './access.ts';
import type { Log } from './listener-options.ts';
import type { MemoryBudget } from './memory-budget.ts';
import { parseHeaders } from './parse-headers.ts';
import { authorize } from './policy.ts';
import { readEnvelope } from './read-envelope.ts';
import { refuse, toS3Failure, toSignatureFailure } from './s3-error.ts';
import type { SendUpload } from './send-upload.ts';
import { parseUploadEnvelope } from './upload-envelope.ts';
import { parseUploadTarget } from './upload-target.ts';

export interface UploadOptions {
  readonly keyring: Keyring;
  /** By store name; a store that is a directory has none, for it has no URL. */
  readonly providers: ReadonlyMap<string, { readonly store: ProviderStore; readonly send: SendUpload }>;
  readonly region: string;
  readonly uploadBytesMax: number;
  readonly keyCache: SigningKeyCache;
  readonly now: () => Date;
  readonly logger: Log;
  /** Whether the key may be used now and from there. Default: always. */
  readonly admit?: Admit<KeyringEntry>;
  /** What bodies that are held whole may take. Default: no limit. */
  readonly memory?: MemoryBudget;
}

export type ServeUpload = (
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
) => Promise<void> | null;

/** For the listener's `outside`: null for what is not POST /upload; what it serves it answers, and never rejects. */
export function createUpload(options: UploadOptions): ServeUpload {
  return (request, response, requestId) => {
    if (request.method !== 'POST' || request.url !== '/upload') return null;
    return serve(options, request, response, requestId).catch((error: unknown) => {
      const problem = toProblem(error);
      const fields = { requestId, code: problem.code, err: error };
      if (problem.status >= 500 && problem.status !== 501) options.logger.error(fields, 'upload failed');
      refuseUpload(request, response, problem, requestId);
    });
  };
}

async function serve(
  options: UploadOptions,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
): Promise<void> {
  const exchange = response instanceof CountedResponse ? response.exchange : null;
  const verified = verifyRequest(nodeCrypto, {
    request: { method: 'POST', path: '/upload', query: '', headers: parseHeaders(request.rawHeaders).pairs },
    now: options.now(),
    region: options.region,
    service: 's3',
    pathRule: 's3',
    findCredentials: (accessKeyId) => options.keyring.find(accessKeyId)?.credentials ?? [],
    keyCache: options.keyCache,
  });
  if (!verified.ok) {
    const { status, code, message } = toSignatureFailure(verified);
    const { stages } = verified;
    const more = stages && { canonical_request: stages.canonicalRequest, string_to_sign: stages.stringToSign };
    refuseUpload(
      request,
      response,
      { type: 'unauthenticated', status, code, message, ...(more && { more }) },
      requestId,
    );
    return;
  }
  const key = options.keyring.find(verified.accessKeyId);
  if (exchange !== null) {
    exchange.accessKeyId = verified.accessKeyId;
    exchange.key = key ?? null;
    exchange.signedBy = verified.form;
  }
  if (key !== undefined) options.admit?.(key, { address: exchange?.address ?? '' });
  if (key?.upload !== true) throw refuse('AccessDenied', 'This key may not call /upload.');
  const { store, send } = findProvider(options, key);

  // What is claimed beyond the limit is refused below, whatever is held.
  const claimedBytes = Number(request.headers['content-length'] ?? 0) || 0;
  options.memory?.hold(response, Math.min(claimedBytes, 2 * options.uploadBytesMax));
  const json = await readEnvelope(request, response, verified.payloadHash, options.uploadBytesMax);
  const envelope = parseUploadEnvelope(json, options.uploadBytesMax);
  const { target, addressing } = parseUploadTarget(envelope.targetUrl, store);
  if (exchange !== null) {
    exchange.operation = target.operation;
    exchange.bucket = target.bucket;
  }
  const decision = authorize(key.policy, target);
  if (!decision.ok) throw refuse('AccessDenied', decision.message);

  const signal = response instanceof CountedResponse ? response.signal : new AbortController().signal;
  const answer = await send({ target, addressing, envelope, signal });
  const body = Buffer.from(JSON.stringify(answer));
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.byteLength });
  response.end(body);
}

function findProvider(options: UploadOptions, key: KeyringEntry): { store: ProviderStore; send: SendUpload } {
  const provider = options.providers.get(key.store);
  if (provider === undefined) {
    throw new WaybillError('not_implemented', 'the store of this key is a directory: it has no URL to upload to', {
      store: key.store,
    });
  }
  return provider;
}

function refuseUpload(request: IncomingMessage, response: ServerResponse, problem: Problem, requestId: string): void {
  if (response instanceof CountedResponse && response.exchange !== null) {
    response.exchange.code = problem.code;
    response.exchange.reason = problem.message;
  }
  if (!response.headersSent) answerProblem(request, response, problem, requestId);
}

/** The provider's own status and code where it refused; else what S3 would say. */
function toProblem(error: unknown): Problem {
  const failure = toS3Failure(error);
  if (!isWaybillError(error)) return { type: 'unclassified', ...failure };
  const { status } = error.details;
  return { type: error.type, ...failure, status: typeof status === 'number' ? status : failure.status };
}
