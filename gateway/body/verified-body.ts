/**
 * A request's body that proves itself while it is read: framing is taken off, the bytes are checked as they come, and the end is
 * given to the reader only when all that the head promised holds, each chunk's signature and the trailer's included. Otherwise
 * reading fails, whoever reads it, and nothing that was read may be kept. Reads lazily: no byte is asked for, and 100-continue not
 * sent, before the first `next()`.
 */
import type { IncomingMessage } from 'node:http';
import { isWaybillError, type WaybillError } from '../../core/failures.ts';
import { createChunkSignatures } from '../../sigv4/chunk-signatures.ts';
import type { Crypto } from '../../sigv4/types.ts';
import type { BodyChecksum } from '../backend.ts';
import { refuse } from '../answer/s3-error.ts';
import { AwsChunkedParser } from './aws-chunked.ts';
import { BodyChecks } from './body-checks.ts';
import { LEFT_BYTES_MIN, readDirectly, type DirectReads } from './direct-reads.ts';
import type { BodyPlan } from './plan-body.ts';

/** Bytes that wait for the reader before the socket is paused. */
const QUEUE_BYTES_MAX = 256 * 1024;

/**
 * HTTP's own chunks come one by one, at 3 µs each: bytes sent in a chunk each cost 16 CPU seconds for 5 MiB. Whoever chunks sends
 * aws-chunked, whose chunks have 8 KiB, so an honest body is far above this on average, its size lines sent alone included. A body of known
 * length comes in pieces as large as what has arrived, and needs no limit.
 */
const PIECE_BYTES_MIN = 64;
/** That many are looked at by nobody. */
const PIECES_FREE = 4096;

type Waiting = { resolve: (result: IteratorResult<Uint8Array>) => void; reject: (error: unknown) => void };

export class VerifiedBody implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  readonly plan: BodyPlan;
  readonly #request: IncomingMessage;
  readonly #checks: BodyChecks;
  readonly #parser: AwsChunkedParser | null;
  #sendContinue: (() => void) | null;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #wireBytes = 0;
  #pieces = 0;
  #bytesRead = 0;
  #started = false;
  #ended = false;
  #isAbandoned = false;
  #isReleased = false;
  #failure: WaybillError | null = null;
  #waiting: Waiting | null = null;
  /** Once its socket is read past node:http. */
  #direct: DirectReads | null = null;
  #mayBeDirect: boolean;

  private constructor(request: IncomingMessage, plan: BodyPlan, checks: BodyChecks, parser: AwsChunkedParser | null) {
    this.#request = request;
    this.plan = plan;
    this.#checks = checks;
    this.#parser = parser;
    this.#sendContinue = null;
    // Framing is taken off piece by piece, and pieces of a slab would each have to come back.
    this.#mayBeDirect = plan.chunked === null && plan.lengthBytes >= LEFT_BYTES_MIN;
  }

  /** @param sendContinue called before the first byte is asked for; null when the client does not wait for it */
  static async create(
    request: IncomingMessage,
    plan: BodyPlan,
    crypto: Crypto,
    sendContinue: (() => void) | null,
  ): Promise<VerifiedBody> {
    const checks = await BodyChecks.create(plan);
    const { chunked, lengthBytes } = plan;
    const seed = chunked?.seed ?? null;
    const signatures = seed === null ? null : createChunkSignatures(crypto, seed);
    const parser =
      chunked === null
        ? null
        : new AwsChunkedParser(
            { lengthBytes, signatures, trailer: chunked.trailer, wireBytes: toLength(request) },
            (bytes) => body.#take(bytes),
          );
    const body: VerifiedBody = new VerifiedBody(request, plan, checks, parser);
    body.#sendContinue = sendContinue;
    return body;
  }

  /** Why the body was refused; whatever the reader made of it, this is what the client is told. */
  get failure(): WaybillError | null {
    return this.#failure;
  }

  /** Bytes of the body without its framing. */
  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** Bytes that came over the connection. */
  get wireBytes(): number {
    return this.#wireBytes;
  }

  /** True when nothing of the body is left on the connection. */
  get isComplete(): boolean {
    return this.#ended;
  }

  get isStarted(): boolean {
    return this.#started;
  }

  /** What was promised, with the trailer's value once it came. */
  get checksum(): BodyChecksum | null {
    const { checksum } = this.plan;
    if (checksum === null || checksum.from === 'header') return checksum;
    return { ...checksum, value: this.#parser?.trailerValue ?? '' };
  }

  /** To be called when the request is over, however it ended. What still comes is drained and looked at by nobody. */
  release(): void {
    this.#isReleased = true;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#checks.release();
    this.#direct?.leave();
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
      if (!this.#ended && this.#queuedBytes < QUEUE_BYTES_MAX) this.#resume();
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
    request.on('data', (chunk: Buffer) => this.#receive(chunk));
    request.on('end', () => this.#end());
    request.on('error', (cause: Error) => this.#fail(refuse('IncompleteBody', undefined, {}, cause)));
    request.on('close', () => this.abandon());
  }

  #receive(chunk: Buffer): void {
    this.#wireBytes += chunk.length;
    if (this.#failure !== null || this.#isReleased) return;
    this.#pieces += 1;
    if (this.#pieces > PIECES_FREE && this.#wireBytes < this.#pieces * PIECE_BYTES_MIN && isChunked(this.#request)) {
      this.#fail(refuse('InvalidRequest', 'The body comes in too many small chunks of HTTP.'));
      return;
    }
    if (this.#parser === null) this.#take(chunk);
    else this.#judge(() => this.#parser?.push(chunk));
    if (!this.#mayBeDirect) return;
    this.#mayBeDirect = false;
    // Not from within node:http's parser, which is at work on this read.
    process.nextTick(() => this.#goDirect());
  }

  #goDirect(): void {
    if (this.#failure !== null || this.#isReleased || this.#ended) return;
    const leftBytes = this.plan.lengthBytes - this.#wireBytes;
    this.#direct = readDirectly(this.#request, leftBytes, (chunk) => {
      this.#wireBytes += chunk.length;
      return this.#take(chunk);
    });
  }

  #pause(): void {
    this.#request.pause();
    this.#direct?.pause();
  }

  #resume(): void {
    this.#request.resume();
    this.#direct?.resume();
  }

  /** Bytes without framing. @returns whether they are kept */
  #take(chunk: Uint8Array): boolean {
    if (this.#failure !== null) return false;
    this.#bytesRead += chunk.length;
    const failure = this.#checks.update(chunk);
    if (failure !== null) {
      this.#fail(failure);
      return false;
    }
    if (this.#waiting !== null) {
      const { resolve } = this.#waiting;
      this.#waiting = null;
      resolve({ done: false, value: chunk });
      return true;
    }
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.length;
    if (this.#queuedBytes >= QUEUE_BYTES_MAX) this.#pause();
    return true;
  }

  #end(): void {
    this.#ended = true;
    if (this.#isReleased) return;
    if (this.#failure === null) this.#judge(() => this.#parser?.end());
    if (this.#failure !== null) return;
    const failure = this.#checks.judge(this.#parser?.trailerValue ?? '');
    if (failure !== null) this.#fail(failure);
    else if (this.#waiting !== null) {
      const { resolve } = this.#waiting;
      this.#waiting = null;
      resolve({ done: true, value: undefined });
    }
  }

  /** Inside an event of the stream nobody would catch what the framing refuses. */
  #judge(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#fail(isWaybillError(error) ? error : refuse('InternalError', undefined, {}, error));
    }
  }

  #fail(failure: WaybillError): void {
    if (this.#failure !== null) return;
    this.#failure = failure;
    this.#queue = [];
    this.#queuedBytes = 0;
    // Keeps flowing, so that the connection is not stuck behind a body that nobody reads.
    this.#direct?.leave();
    this.#request.resume();
    if (this.#waiting !== null) {
      const { reject } = this.#waiting;
      this.#waiting = null;
      reject(failure);
    }
  }
}

const isChunked = ({ headers }: IncomingMessage): boolean => headers['transfer-encoding'] !== undefined;

/** Undefined where HTTP's own chunks end the body. */
function toLength({ headers }: IncomingMessage): number | undefined {
  const sent = headers['content-length'];
  return sent === undefined ? undefined : Number(sent);
}
