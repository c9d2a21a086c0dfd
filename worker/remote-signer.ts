/**
 * A signer that asks, for many requests at once. What is asked for in one turn of the event loop goes as one batch; while one is under
 * way the next gathers, unless it is full, so that the number of questions follows from how long they take and not from how
 * many requests there are. There is no timer, and a request that comes alone waits for nobody.
 *
 * Where a request goes is the gateway's answer, but only a host of the store that the worker itself has in its configuration: whoever
 * answers in the gateway's place cannot send a worker with its bytes elsewhere.
 */
import { WaybillError } from '../core/failures.ts';
import { buildTarget } from '../stores/s3/call-target.ts';
import type { Endpoint } from '../stores/s3/call-target.ts';
import { EMPTY_SHA256 } from '../stores/s3/prepared-body.ts';
import type { RequestSigner, SignedCall } from '../stores/s3/request-signer.ts';
import type { S3Call } from '../stores/s3/s3-call.ts';
import { buildS3Failure, callDetails } from '../stores/s3/s3-failure.ts';
import type { AskSignatures, RefusedAnswer, SignedAnswer } from './ask-signatures.ts';

/** Half of what the gateway takes in one batch. */
const BATCH_REQUESTS = 64;
/** A quarter of what it takes: characters beyond ASCII are two or three bytes, and the last request may be a large one. */
const BATCH_CHARACTERS = 256 * 1024;
/** Full batches beside the one that is under way. */
const IN_FLIGHT_MAX = 4;
/** Between the end that the gateway says and the last moment that a request may begin: clocks differ, and requests travel. */
const MARGIN_MS_MAX = 60_000;

/** As requests are described to the gateway: by path. */
const ASKED: Endpoint = { protocol: '', host: '', basePath: '', addressing: 'path' };

export interface RemoteSignerOptions {
  readonly ask: AskSignatures;
  readonly store: string;
  /** The store's own. */
  readonly endpoint: Endpoint;
}

interface Waiting {
  readonly call: S3Call;
  readonly json: string;
  readonly resolve: (signed: SignedCall) => void;
  readonly reject: (error: Error) => void;
}

export function createRemoteSigner({ ask, store, endpoint }: RemoteSignerOptions): RequestSigner {
  let waiting: Waiting[] = [];
  let characters = 0;
  let inFlight = 0;
  let isPlanned = false;

  const isFull = (): boolean => waiting.length >= BATCH_REQUESTS || characters >= BATCH_CHARACTERS;

  const plan = (): void => {
    if (isPlanned || !(inFlight === 0 || (isFull() && inFlight < IN_FLIGHT_MAX))) return;
    isPlanned = true;
    setImmediate(flush);
  };

  const flush = (): void => {
    isPlanned = false;
    if (waiting.length > 0) void send(takeBatch());
    if (waiting.length > 0) plan();
  };

  const takeBatch = (): readonly Waiting[] => {
    let count = 0;
    let taken = 0;
    while (count < waiting.length && count < BATCH_REQUESTS && taken < BATCH_CHARACTERS) {
      taken += waiting[count]?.json.length ?? 0;
      count += 1;
    }
    const batch = waiting.slice(0, count);
    waiting = waiting.slice(count);
    characters -= taken;
    return batch;
  };

  const send = async (batch: readonly Waiting[]): Promise<void> => {
    inFlight += 1;
    const askedMs = performance.now();
    try {
      const { validMs, answers } = await ask(batch.map(({ json }) => json));
      const beginBeforeMs = askedMs + validMs - Math.min(MARGIN_MS_MAX, validMs / 4);
      for (const [index, one] of batch.entries()) settle(one, answers[index], beginBeforeMs);
    } catch (error) {
      for (const { reject } of batch) reject(error as Error);
    } finally {
      inFlight -= 1;
      if (waiting.length > 0) plan();
    }
  };

  const settle = (
    { call, resolve, reject }: Waiting,
    answer: SignedAnswer | RefusedAnswer | undefined,
    beginBeforeMs: number,
  ): void => {
    if (answer === undefined || !('url' in answer)) {
      const { status = 0, code, message } = answer ?? {};
      reject(buildS3Failure(call, { status, headers: {}, s3Code: code, message }));
      return;
    }
    const at = answer.url.indexOf('/', answer.url.indexOf('://') + 3);
    const origin = answer.url.slice(0, at);
    if (at < 0 || !isOfStore(origin, endpoint, call.bucket)) {
      reject(
        new WaybillError('store_error', 'the gateway signs for another endpoint than the one of this configuration', {
          store,
          ...callDetails(call),
        }),
      );
      return;
    }
    const headers: string[] = [];
    for (const name in answer.headers) headers.push(name, answer.headers[name] as string);
    resolve({ origin, target: answer.url.slice(at), headers, beginBeforeMs });
  };

  return {
    sign(call) {
      const json = printCall(call);
      return new Promise<SignedCall>((resolve, reject) => {
        const { signal } = call;
        if (signal === undefined) {
          waiting.push({ call, json, resolve, reject });
        } else {
          const onAbort = (): void => reject(signal.reason as Error);
          signal.addEventListener('abort', onAbort, { once: true });
          const end = (): void => signal.removeEventListener('abort', onAbort);
          waiting.push({
            call,
            json,
            resolve: (signed) => {
              end();
              resolve(signed);
            },
            reject: (error) => {
              end();
              reject(error);
            },
          });
        }
        characters += json.length;
        plan();
      });
    },
  };
}

/** @throws store_refused for a bucket or a key that cannot be addressed */
function printCall(call: S3Call): string {
  const { path, query } = buildTarget(ASKED, call);
  return JSON.stringify({
    method: call.method,
    target: query === '' ? path : `${path}?${query}`,
    ...(call.headers === undefined || call.headers.length === 0 ? {} : { headers: toRecord(call.headers) }),
    ...(call.body === undefined || call.body.payloadHash === EMPTY_SHA256
      ? {}
      : { payload_sha256: call.body.payloadHash, content_length: call.body.sizeBytes }),
  });
}

function toRecord(headers: NonNullable<S3Call['headers']>): Record<string, string> {
  const record: Record<string, string> = {};
  for (const [name, value] of headers) record[name] = value;
  return record;
}

function isOfStore(origin: string, { protocol, host, addressing }: Endpoint, bucket: string): boolean {
  if (origin === `${protocol}//${host}`) return true;
  return addressing === 'virtual' && origin === `${protocol}//${bucket}.${host}`;
}
