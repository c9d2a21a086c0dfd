/**
 * A request's body that proves itself while it is read: the bytes are counted and hashed as they come, and the end is given to
 * the reader only when length, SHA-256 and Content-MD5 hold. Otherwise reading fails, whoever reads it, and nothing that was
 * read may be kept. Reads lazily: no byte is asked for, and 100-continue not sent, before the first `next()`.
 */
import { createHash, timingSafeEqual, type Hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { WaybillError } from '../core/failures.ts';
import { refuse } from './s3-error.ts';

export interface BodyPromise {
  readonly lengthBytes: number;
  /** Lower-case hex; null when the payload is unsigned. */
  readonly sha256: string | null;
  /** Raw digest from Content-MD5; null when it was not sent. */
  readonly md5: Uint8Array | null;
}

/** Bytes that wait for the reader before the socket is paused. */
const QUEUE_BYTES_MAX = 256 * 1024;

type Waiting = { resolve: (result: IteratorResult<Uint8Array>) => void; reject: (error: unknown) => void };

export class VerifiedBody implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  readonly #request: IncomingMessage;
  readonly promise: BodyPromise;
  readonly #sha256: Hash | null;
  readonly #md5: Hash | null;
  #sendContinue: (() => void) | null;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #bytesRead = 0;
  #started = false;
  #ended = false;
  #isAbandoned = false;
  #failure: WaybillError | null = null;
  #waiting: Waiting | null = null;

  constructor(request: IncomingMessage, promise: BodyPromise, sendContinue: (() => void) | null) {
    this.#request = request;
    this.promise = promise;
    this.#sendContinue = sendContinue;
    this.#sha256 = promise.sha256 === null ? null : createHash('sha256');
    this.#md5 = promise.md5 === null ? null : createHash('md5');
  }

  /** Why the body was refused; whatever the reader made of it, this is what the client is told. */
  get failure(): WaybillError | null {
    return this.#failure;
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** True when nothing of the body is left on the connection. */
  get isComplete(): boolean {
    return this.#ended;
  }

  get isStarted(): boolean {
    return this.#started;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    if (!this.#started) this.#start();
    if (this.#isAbandoned && !this.#ended) this.abandon();
    if (this.#failure !== null) return Promise.reject(this.#failure);
    const chunk = this.#queue.shift();
    if (chunk !== undefined) {
      this.#queuedBytes -= chunk.length;
      if (!this.#ended && this.#queuedBytes < QUEUE_BYTES_MAX) this.#request.resume();
      return Promise.resolve({ done: false, value: chunk });
    }
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  /** Nothing more will come: whoever waits for the rest is told so. */
  abandon(): void {
    this.#isAbandoned = true;
    // Most requests have no body that anybody reads, and a failure costs a stack trace.
    if (this.#started && !this.#ended) this.#fail(refuse('IncompleteBody'));
  }

  /** The reader leaves early; what is still on the connection is the listener's to drain. */
  return(): Promise<IteratorResult<Uint8Array>> {
    this.#queue = [];
    this.#queuedBytes = 0;
    return Promise.resolve({ done: true, value: undefined });
  }

  #start(): void {
    this.#started = true;
    this.#sendContinue?.();
    this.#sendContinue = null;
    const request = this.#request;
    request.on('data', (chunk: Buffer) => this.#take(chunk));
    request.on('end', () => this.#end());
    request.on('error', (cause: Error) => this.#fail(refuse('IncompleteBody', undefined, {}, cause)));
    request.on('close', () => this.abandon());
  }

  #take(chunk: Buffer): void {
    this.#bytesRead += chunk.length;
    if (this.#failure !== null) return;
    if (this.#bytesRead > this.promise.lengthBytes) {
      this.#fail(refuse('IncompleteBody', 'The body is longer than Content-Length.'));
      return;
    }
    this.#sha256?.update(chunk);
    this.#md5?.update(chunk);
    if (this.#waiting !== null) {
      const { resolve } = this.#waiting;
      this.#waiting = null;
      resolve({ done: false, value: chunk });
      return;
    }
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.length;
    if (this.#queuedBytes >= QUEUE_BYTES_MAX) this.#request.pause();
  }

  #end(): void {
    this.#ended = true;
    if (this.#failure !== null) return;
    const failure = this.#judge();
    if (failure !== null) this.#fail(failure);
    else if (this.#waiting !== null) {
      const { resolve } = this.#waiting;
      this.#waiting = null;
      resolve({ done: true, value: undefined });
    }
  }

  #judge(): WaybillError | null {
    if (this.#bytesRead !== this.promise.lengthBytes) return refuse('IncompleteBody');
    if (this.#sha256 !== null && !holds(this.#sha256, Buffer.from(this.promise.sha256 ?? '', 'hex'))) {
      return refuse('XAmzContentSHA256Mismatch');
    }
    if (this.#md5 !== null && !holds(this.#md5, this.promise.md5 ?? Buffer.alloc(0))) return refuse('BadDigest');
    return null;
  }

  #fail(failure: WaybillError): void {
    if (this.#failure !== null) return;
    this.#failure = failure;
    this.#queue = [];
    this.#queuedBytes = 0;
    // Keeps flowing, so that the connection is not stuck behind a body that nobody reads.
    this.#request.resume();
    if (this.#waiting !== null) {
      const { reject } = this.#waiting;
      this.#waiting = null;
      reject(failure);
    }
  }
}

function holds(hash: Hash, expected: Uint8Array): boolean {
  const actual = hash.digest();
  return actual.length === expected.length && timingSafeEqual(actual, expected);
}
