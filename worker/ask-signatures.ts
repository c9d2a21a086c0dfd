/**
 * Asks the gateway to sign a batch of requests (`POST /sign`): the worker tells what it wants to send, and gets back where and with which
 * headers. It holds no provider's secret, and none comes with the answer.
 *
 * Asked over the worker's own HTTP client, and once more where the connection was lost: nothing is done by being signed.
 */
import { hash } from 'node:crypto';
import { isWaybillError, WaybillError } from '../core/failures.ts';
import { nodeCrypto } from '../sigv4/node-crypto.ts';
import { signRequest } from '../sigv4/sign.ts';
import type { Credentials } from '../sigv4/types.ts';
import { toFailureType } from '../stores/s3/error-map.ts';
import type { HttpAnswer } from '../stores/s3/http-exchange.ts';
import type { HttpTransport } from '../stores/s3/http-transport.ts';
import { headerText, parseRetryAfter } from '../stores/s3/s3-failure.ts';

export interface AskSignaturesOptions {
  /** http[s]://HOST[:PORT] */
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: () => Promise<Credentials> | Credentials;
  readonly store: string;
  readonly now: () => Date;
  readonly limitMs: number;
  readonly transport: HttpTransport;
}

export interface SignedAnswer {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface RefusedAnswer {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

export interface SignAnswers {
  readonly validMs: number;
  /** As many as were asked for, in their order. */
  readonly answers: readonly (SignedAnswer | RefusedAnswer)[];
}

/** @param requests JSON, one object each */
export type AskSignatures = (requests: readonly string[]) => Promise<SignAnswers>;

/** @throws (from the function) store_unreachable, store_timeout, and what the table of S3's errors says of the gateway's refusal */
export function createAskSignatures(options: AskSignaturesOptions): AskSignatures {
  const { endpoint, region, store, limitMs, transport } = options;
  const host = endpoint.slice(endpoint.indexOf('://') + 3);

  const send = (bytes: Uint8Array, payloadHash: string, credentials: Credentials): Promise<HttpAnswer> => {
    const signed = signRequest(nodeCrypto, {
      request: {
        method: 'POST',
        path: '/sign',
        query: '',
        headers: [
          ['host', host],
          ['content-type', 'application/json'],
        ],
      },
      credentials,
      region,
      service: 's3',
      pathRule: 's3',
      payloadHash,
      at: options.now(),
    });
    const headers: string[] = [];
    for (const [name, value] of signed.headers) headers.push(name, value);
    return transport.send(
      {
        origin: endpoint,
        method: 'POST',
        target: '/sign',
        headers,
        body: { payloadHash, sizeBytes: bytes.byteLength, content: bytes },
      },
      {
        requestLimitMs: limitMs,
        idleLimitMs: limitMs,
        isObject: false,
        details: () => ({ store }),
        signal: undefined,
        onBodySent: ignore,
        onReport: ignore,
      },
    );
  };

  return async (requests) => {
    const bytes = Buffer.from(`{"requests":[${requests.join(',')}]}`);
    const payloadHash = hash('sha256', bytes, 'hex');
    const held = options.credentials();
    const credentials = held instanceof Promise ? await held : held;
    let answer: HttpAnswer;
    try {
      answer = await send(bytes, payloadHash, credentials);
    } catch (error) {
      if (!isWaybillError(error) || error.type !== 'store_unreachable') throw error;
      answer = await send(bytes, payloadHash, credentials);
    }
    return toAnswers(answer, requests.length, store);
  };
}

const ignore = (): void => undefined;

function toAnswers(answer: HttpAnswer, count: number, store: string): SignAnswers {
  const { status } = answer;
  const body = parseJson(answer.body);
  if (status !== 200) {
    const { code, message } = body as Partial<RefusedAnswer>;
    const s3Code = typeof code === 'string' ? code : undefined;
    const said = typeof message === 'string' ? `: ${message}` : '';
    throw new WaybillError(
      toFailureType({ status, s3Code, about: 'bucket' }),
      `the gateway signs no requests (${status})${said}`,
      { ...(s3Code === undefined ? {} : { s3Code }), status, store },
      { retryAfterMs: parseRetryAfter(headerText(answer.headers, 'retry-after')) },
    );
  }
  const { valid_ms: validMs, answers } = body as { valid_ms?: unknown; answers?: unknown };
  if (typeof validMs !== 'number' || !Array.isArray(answers) || answers.length !== count || !answers.every(isAnswer)) {
    throw new WaybillError('store_error', 'the gateway answered without signatures', { status, store });
  }
  return { validMs, answers };
}

/** What is none becomes an empty object: a parser's message would quote it. */
function parseJson(bytes: Uint8Array): object {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

function isAnswer(answer: unknown): answer is SignedAnswer | RefusedAnswer {
  if (typeof answer !== 'object' || answer === null) return false;
  const { url, headers, status, code, message } = answer as Partial<Record<string, unknown>>;
  if (url !== undefined) return typeof url === 'string' && typeof headers === 'object' && headers !== null;
  return typeof status === 'number' && typeof code === 'string' && typeof message === 'string';
}
