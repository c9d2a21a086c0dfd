/**
 * `POST /upload`: an explicit contract beside S3, for callers that have no S3 client. `{target_url, method, headers, payload_base64}`
 * becomes one signed PUT to the provider, and its answer `{status, etag}`, the ETag as the provider wrote it.
 *
 * - The caller is a workload key that has `upload: true` (`authenticate-caller.ts`: a signature, or a bearer token). The target passes through the same policy as the key's S3 requests.
 * - The payload is in memory, hashed, and signed as the bytes that are sent. The same envelope gives the same canonical request
 *   every time, but for the date and a session token.
 * - It shares its listener with S3. No S3 operation is lost by that: POST of a bucket without a query is a browser's form, which is
 *   not offered; a bucket named `upload` works.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isWaybillError, WaybillError } from '../../core/failures.ts';
import type { SigningKeyCache } from '../../sigv4/types.ts';
import { authenticateCaller } from '../keys/authenticate-caller.ts';
import type { AuthenticatedCaller } from '../keys/authenticate-caller.ts';
import { answerProblem } from '../answer/answer-problem.ts';
import type { Problem } from '../answer/answer-problem.ts';
import { CountedResponse, nameOperation } from '../listener/exchange.ts';
import { checkKmsAlias } from '../provider/kms-check.ts';
import type { Keyring, KeyringEntry } from '../keys/keyring.ts';
import type { Admit } from '../keys/access.ts';
import type { Log } from '../listener/listener-options.ts';
import type { MemoryBudget } from '../listener/memory-budget.ts';
import type { OpenedProvider } from '../open-store.ts';
import { authorize } from '../keys/policy.ts';
import { readEnvelope } from './read-envelope.ts';
import { refuse, toS3Failure } from '../answer/s3-error.ts';
import { parseUploadEnvelope } from './upload-envelope.ts';
import { parseUploadTarget } from './upload-target.ts';

export interface UploadOptions {
  readonly keyring: Keyring;
  /** By store name; a store that is a directory has none, for it has no URL. */
  readonly providers: ReadonlyMap<string, OpenedProvider>;
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

/** `/kms/check` is told of in `kms-check.ts`; who asks and how failures are answered is one with `/upload`. */
const PATHS = ['/upload', '/kms/check'] as const;
type Path = (typeof PATHS)[number];

/** For the listener's `outside`: null for what is not of these paths; what it serves it answers, and never rejects. */
export function createUpload(options: UploadOptions): ServeUpload {
  return (request, response, requestId) => {
    const path = PATHS.find((one) => one === request.url);
    if (request.method !== 'POST' || path === undefined) return null;
    nameOperation(response, path === '/upload' ? 'Upload' : 'KmsCheck');
    return serve(options, path, request, response, requestId).catch((error: unknown) => {
      const problem = toProblem(error);
      const fields = { requestId, code: problem.code, err: error };
      if (problem.status >= 500 && problem.status !== 501) options.logger.error(fields, `POST ${path} failed`);
      refuseUpload(request, response, problem, requestId);
    });
  };
}

async function serve(
  options: UploadOptions,
  path: Path,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
): Promise<void> {
  const caller = authenticateCaller(options, path, request, response);
  if (!caller.ok) {
    refuseUpload(request, response, caller.problem, requestId);
    return;
  }
  const answer =
    path === '/upload' ? upload(options, caller, request, response) : check(options, caller, request, response);
  const body = Buffer.from(JSON.stringify(await answer));
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.byteLength });
  response.end(body);
}

async function upload(
  options: UploadOptions,
  { key, payloadHash }: AuthenticatedCaller,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<object> {
  if (!key.upload) throw refuse('AccessDenied', 'This key may not call /upload.');
  const { store, send, keep } = findProvider(options, key);
  keep?.(response);

  // What is claimed beyond the limit is refused below, whatever is held.
  const claimedBytes = Number(request.headers['content-length'] ?? 0) || 0;
  options.memory?.hold(response, Math.min(claimedBytes, 2 * options.uploadBytesMax));
  const json = await readEnvelope(request, response, payloadHash, options.uploadBytesMax);
  const envelope = parseUploadEnvelope(json, options.uploadBytesMax);
  const { target, addressing } = parseUploadTarget(envelope.targetUrl, store);
  const counted = response instanceof CountedResponse ? response : null;
  if (counted?.exchange) {
    counted.exchange.operation = target.operation;
    counted.exchange.bucket = target.bucket;
  }
  const decision = authorize(key.policy, target);
  if (!decision.ok) throw refuse('AccessDenied', decision.message);
  return await send({ target, addressing, envelope, signal: counted?.signal ?? new AbortController().signal });
}

function check(
  options: UploadOptions,
  { key, payloadHash }: AuthenticatedCaller,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<object> {
  const provider = options.providers.get(key.store);
  provider?.keep?.(response);
  return checkKmsAlias(key, provider?.hasKmsAlias ?? null, payloadHash, request, response);
}

function findProvider(options: UploadOptions, key: KeyringEntry): OpenedProvider {
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
