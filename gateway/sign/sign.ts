/**
 * `POST /sign`: signed requests for whoever sends them himself, for stores whose `traffic` is `direct`. A batch of up to 128 descriptions
 * becomes as many answers, each `{url, headers}` or `{type, status, code, message}`; the bytes go straight to the store, the provider's
 * secret stays here. Where it is one of STS, each answer has the session token that the request must carry; it signs nothing by itself.
 *
 * - The caller is a workload key that has `sign: true`, or a session of one, shown by a SigV4 signature over the request like any
 *   S3 request (header form, the hash of the JSON in x-amz-content-sha256). A bearer token does not do.
 * - Each request is judged as if it had been sent here (`store-signer.ts`), and refused alone.
 * - It shares its listener with S3, where POST of a bucket is a browser's form, which is not offered.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isWaybillError, WaybillError } from '../../core/failures.ts';
import type { Operation } from '../../core/traffic.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import type { SigningKeyCache } from '../../sigv4/types.ts';
import { verifyRequest } from '../../sigv4/verify.ts';
import { answerProblem } from '../answer/answer-problem.ts';
import type { Problem } from '../answer/answer-problem.ts';
import { refuse, toS3Failure, toSignatureFailure } from '../answer/s3-error.ts';
import { admitKey } from '../keys/admit-key.ts';
import type { Keyring } from '../keys/keyring.ts';
import type { SessionSealer } from '../keys/session-token.ts';
import { findKey } from '../keys/sessions.ts';
import type { ValidKey } from '../keys/sessions.ts';
import { CountedResponse, nameOperation } from '../listener/exchange.ts';
import type { Log } from '../listener/listener-options.ts';
import type { MemoryBudget } from '../listener/memory-budget.ts';
import type { OpenedProvider } from '../open-store.ts';
import { parseHeaders } from '../request/parse-headers.ts';
import { readEnvelope } from '../upload/read-envelope.ts';
import { parseSignBatch, SIGN_BODY_BYTES_MAX, tooLarge } from './sign-batch.ts';
import { VALID_MS } from './store-signer.ts';
import type { SignedItem, SignOne, StoreSigner } from './store-signer.ts';
import type { SignItem } from './sign-batch.ts';

export interface SignOptions {
  readonly keyring: Keyring;
  /** Null: no session is known. */
  readonly sealer: SessionSealer | null;
  /** By store name; a directory has none. */
  readonly providers: ReadonlyMap<string, Pick<OpenedProvider, 'signer' | 'keep'>>;
  readonly region: string;
  readonly keyCache: SigningKeyCache;
  readonly now: () => Date;
  readonly logger: Log;
  readonly memory: MemoryBudget;
  /** Whether the log says of each request what it was, as it does of those that are sent here. */
  readonly isListed: boolean;
  readonly onSigned: (batch: SignedBatch) => void;
}

/** What became of one batch. */
export interface SignedBatch {
  readonly operations: ReadonlyMap<Operation, number>;
  /** S3's code of each that was refused. */
  readonly refusedCodes: readonly string[];
}

export type ServeSign = (request: IncomingMessage, response: ServerResponse, requestId: string) => Promise<void> | null;

interface Refused {
  readonly type: string;
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** For the listener's `outside`: null for what is not POST /sign; what it serves it answers, and never rejects. */
export function createSign(options: SignOptions): ServeSign {
  return (request, response, requestId) => {
    if (request.method !== 'POST' || request.url !== '/sign') return null;
    nameOperation(response, 'Sign');
    return serve(options, request, response, requestId).catch((error: unknown) => {
      const problem = toProblem(error);
      if (problem.status >= 500 && problem.status !== 501) {
        options.logger.error({ requestId, code: problem.code, err: error }, 'POST /sign failed');
      }
      if (response instanceof CountedResponse && response.exchange !== null) {
        response.exchange.code = problem.code;
        response.exchange.reason = problem.message;
      }
      if (!response.headersSent) answerProblem(request, response, problem, requestId);
    });
  };
}

async function serve(
  options: SignOptions,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
): Promise<void> {
  const { key, payloadHash } = authenticate(options, request, response);
  if (!key.sign) throw refuse('AccessDenied', 'This key may not have requests signed.');
  const provider = options.providers.get(key.store);
  if (provider === undefined) {
    throw new WaybillError(
      'not_implemented',
      'the store of this key is a directory, which this gateway serves itself',
      {
        store: key.store,
      },
    );
  }
  if (provider.signer === null) {
    throw refuse('AccessDenied', 'The traffic of this store is proxied: requests are sent to the gateway, not signed.');
  }
  provider.keep?.(response);

  const claimedBytes = Number(request.headers['content-length'] ?? 0) || 0;
  if (claimedBytes > SIGN_BODY_BYTES_MAX) throw tooLarge(`a batch has ${SIGN_BODY_BYTES_MAX} bytes at most`);
  options.memory.hold(response, claimedBytes);
  const items = parseSignBatch(await readEnvelope(request, response, payloadHash, SIGN_BODY_BYTES_MAX));
  const signOne = await provider.signer.begin();
  const signed = items.map((item) => signOrRefuse(signOne, key, item));
  const answers = await withholdUnbound(provider.signer, items, signed);
  tell(options, key, requestId, items, answers);
  const body = Buffer.from(JSON.stringify({ valid_ms: VALID_MS, answers: answers.map(toAnswer) }));
  response.writeHead(200, {
    'Content-Type': 'application/json',
    'Content-Length': body.byteLength,
    'Cache-Control': 'no-store',
  });
  response.end(body);
}

function authenticate(
  options: SignOptions,
  request: IncomingMessage,
  response: ServerResponse,
): { readonly key: ValidKey; readonly payloadHash: string } {
  const { keyring, sealer, now } = options;
  const exchange = response instanceof CountedResponse ? response.exchange : null;
  const verified = verifyRequest(nodeCrypto, {
    request: { method: 'POST', path: '/sign', query: '', headers: parseHeaders(request.rawHeaders).pairs },
    now: now(),
    region: options.region,
    service: 's3',
    pathRule: 's3',
    findCredentials: (accessKeyId, token) => findKey(keyring, sealer, accessKeyId, token)?.credentials ?? [],
    keyCache: options.keyCache,
  });
  if (!verified.ok) throw refuse(verified.code, toSignatureFailure(verified).message);
  const key = findKey(keyring, sealer, verified.accessKeyId, verified.sessionToken);
  if (key === undefined) throw refuse('InvalidAccessKeyId');
  if (exchange !== null) {
    exchange.accessKeyId = verified.accessKeyId;
    exchange.key = key;
    exchange.signedBy = verified.form;
  }
  admitKey(key, { address: exchange?.address ?? '' }, now());
  return { key, payloadHash: verified.payloadHash };
}

function signOrRefuse(signOne: SignOne, key: ValidKey, item: SignItem): SignedItem | Refused {
  try {
    return signOne(key, item);
  } catch (error) {
    // What is no refusal is a fault of ours, and the whole batch's.
    if (!isWaybillError(error)) throw error;
    const { type, status, code, message } = toProblem(error);
    return { type, status, code, message };
  }
}

/** Reads cannot be made more than they are by a header. */
async function withholdUnbound(
  signer: StoreSigner,
  items: readonly SignItem[],
  answers: readonly (SignedItem | Refused)[],
): Promise<readonly (SignedItem | Refused)[]> {
  const isWrite = (index: number): boolean => !/^(GET|HEAD)$/.test(items[index]?.method ?? '');
  const first = answers.find((answer, index): answer is SignedItem => isSigned(answer) && isWrite(index));
  if (first === undefined || (await signer.proveBound(first.bucket))) return answers;
  const { type, status, code, message } = toProblem(
    refuse(
      'AccessDenied',
      'The store takes x-amz- headers that no signature covers: a write that is signed for it could be made another. Its traffic must be proxied, or unsafe_direct_writes allowed.',
    ),
  );
  return answers.map((answer, index) =>
    isSigned(answer) && isWrite(index) ? { type, status, code, message } : answer,
  );
}

const isSigned = (answer: SignedItem | Refused): answer is SignedItem => 'url' in answer;

const toAnswer = (answer: SignedItem | Refused): object =>
  isSigned(answer) ? { url: answer.url, headers: answer.headers } : answer;

/** Who had what signed: the store's own log knows the provider's key alone. No query, no header. */
function tell(
  { logger, isListed, onSigned }: SignOptions,
  key: ValidKey,
  requestId: string,
  items: readonly SignItem[],
  answers: readonly (SignedItem | Refused)[],
): void {
  const operations = new Map<Operation, number>();
  const refused: string[] = [];
  const listed: string[] = [];
  let bytes = 0;
  for (const [index, answer] of answers.entries()) {
    if (isSigned(answer)) {
      operations.set(answer.operation, (operations.get(answer.operation) ?? 0) + 1);
      bytes += items[index]?.contentLength ?? 0;
      if (isListed) listed.push(`${answer.operation} ${answer.bucket}/${answer.key}`);
    } else refused.push(answer.code);
  }
  onSigned({ operations, refusedCodes: refused });
  if (!isListed && refused.length === 0) return;
  logger.info(
    {
      requestId,
      key: key.name,
      accessKeyId: key.accessKeyId,
      store: key.store,
      ...(key.run === undefined ? {} : { run: key.run }),
      operations: Object.fromEntries(operations),
      bytes,
      ...(isListed ? { requests: listed } : {}),
      ...(refused.length === 0 ? {} : { refused: toRefusedList(items, answers) }),
    },
    'requests signed',
  );
}

/** Of a refused target its path alone: a query may be a credential of somebody's. */
const toRefusedList = (items: readonly SignItem[], answers: readonly (SignedItem | Refused)[]): string[] =>
  answers.flatMap((answer, index) =>
    isSigned(answer) ? [] : [`${answer.code} ${items[index]?.method ?? ''} ${toPath(items[index]?.target ?? '')}`],
  );

/** The longest that is not cut: a bucket, and a key of which each byte is percent-encoded. */
const PATH_CHARACTERS_MAX = 3_400;
const toPath = (target: string): string => (target.split('?', 1)[0] ?? '').slice(0, PATH_CHARACTERS_MAX);

function toProblem(error: unknown): Problem {
  const failure = toS3Failure(error);
  if (!isWaybillError(error)) return { type: 'unclassified', ...failure };
  const { status } = error.details;
  return { type: error.type, ...failure, status: typeof status === 'number' ? status : failure.status };
}
