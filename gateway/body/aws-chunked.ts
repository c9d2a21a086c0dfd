/**
 * Takes the framing off a body that is sent aws-chunked, in whatever pieces it arrives:
 *
 *   hex-size[;chunk-signature=…] CRLF data CRLF … 0[;chunk-signature=…] CRLF [name:value CRLF]… [x-amz-trailer-signature:… CRLF] CRLF
 *
 * Strict: one way to write a line, no extension but the signature, nothing after the end, nothing buffered but one short line.
 * The data is passed on as it comes; who takes it keeps nothing before `end` returned, for a chunk's signature stands before its
 * data but can be checked only behind it.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { ChunkSignature, ChunkSignatures } from '../../sigv4/chunk-signatures.ts';
import { refuse } from '../answer/s3-error.ts';

export interface ChunkedPromise {
  /** What x-amz-decoded-content-length says. */
  readonly lengthBytes: number;
  /** What Content-Length says of all of it; absent where HTTP's own chunks end it. */
  readonly wireBytes?: number | undefined;
  /** Null when chunks are not signed. */
  readonly signatures: ChunkSignatures | null;
  /** Whether the mode has a trailer, and which one x-amz-trailer announced; '' for none. */
  readonly trailer: { readonly name: string } | null;
}

/** A size of 15 digits, the signature's name, and 64 digits of it. */
const SIZE_LINE_BYTES_MAX = 128;
/** The longest is a checksum of 64 bytes behind its name. */
const TRAILER_LINE_BYTES_MAX = 256;
/** S3's own: a chunk that another one follows has at least 8 KiB. It bounds how much framing, and how many HMACs, a byte can cost. */
const CHUNK_BYTES_MIN = 8192;

/** What follows the data of a chunk at least: its line end, and `0` with two more. */
const LAST_BYTES_MIN = 7;

const PLAIN_SIZE = /^[0-9a-fA-F]{1,15}$/;
const SIGNED_SIZE = /^([0-9a-fA-F]{1,15});chunk-signature=([0-9a-f]{64})$/;
const TRAILER_SIGNATURE = /^x-amz-trailer-signature:([0-9a-f]{64})$/;
const CR = 13;
const LF = 10;
const EMPTY_HASH = createHash('sha256').digest('hex');

type State = 'size' | 'data' | 'data-end' | 'trailer' | 'trailer-signature' | 'last-line' | 'done';

export class AwsChunkedParser {
  readonly #promise: ChunkedPromise;
  readonly #onData: (bytes: Uint8Array) => void;
  #state: State = 'size';
  #line = '';
  #leftBytes = 0;
  #dataBytes = 0;
  #wireBytes = 0;
  #lastSizeBytes = CHUNK_BYTES_MIN;
  #chunks = 0;
  #claimed = '';
  #hash = createHash('sha256');
  #trailerValue = '';

  constructor(promise: ChunkedPromise, onData: (bytes: Uint8Array) => void) {
    this.#promise = promise;
    this.#onData = onData;
  }

  /** The value of the announced trailer; '' until it came. */
  get trailerValue(): string {
    return this.#trailerValue;
  }

  /** @throws IncompleteBody, InvalidChunkSizeError, MalformedTrailerError, SignatureDoesNotMatch */
  push(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) at = this.#state === 'data' ? this.#takeData(bytes, at) : this.#takeLine(bytes, at);
  }

  /** The body has ended: it must have ended where its framing does. @throws IncompleteBody */
  end(): void {
    if (this.#state !== 'done') throw refuse('IncompleteBody', 'The request body terminated unexpectedly');
  }

  #takeData(bytes: Uint8Array, at: number): number {
    const end = Math.min(bytes.length, at + this.#leftBytes);
    const data = at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end);
    if (this.#promise.signatures !== null) this.#hash.update(data);
    this.#leftBytes -= data.length;
    this.#wireBytes += data.length;
    if (this.#leftBytes === 0) this.#state = 'data-end';
    this.#onData(data);
    return end;
  }

  /** Lines end with CRLF; a CR that no LF follows, or an LF before it, is malformed. */
  #takeLine(bytes: Uint8Array, at: number): number {
    if (this.#state === 'done') throw malformed();
    const max = this.#state === 'trailer' ? TRAILER_LINE_BYTES_MAX : SIZE_LINE_BYTES_MAX;
    const end = bytes.indexOf(LF, at);
    const piece = bytes.subarray(at, end < 0 ? bytes.length : end + 1);
    if (this.#line.length + piece.length > max) throw malformed();
    this.#wireBytes += piece.length;
    this.#line += Buffer.from(piece.buffer, piece.byteOffset, piece.length).toString('latin1');
    if (end < 0) return bytes.length;
    if (this.#line.charCodeAt(this.#line.length - 2) === CR) {
      const line = this.#line.slice(0, -2);
      this.#line = '';
      this.#take(line);
    } else if (this.#state !== 'trailer') {
      throw malformed();
    }
    // Some clients end a trailer with LF and then CRLF: the line goes on until its CRLF, and loses the LF there.
    return end + 1;
  }

  #take(line: string): void {
    switch (this.#state) {
      case 'size':
        this.#takeSize(line);
        return;
      case 'data-end':
        if (line !== '') throw malformed();
        this.#checkChunk(this.#promise.signatures === null ? '' : this.#hash.digest('hex'));
        this.#state = 'size';
        return;
      case 'trailer':
        this.#takeTrailer(line.endsWith('\n') ? line.slice(0, -1) : line);
        return;
      case 'trailer-signature':
        this.#takeTrailerSignature(line);
        return;
      default:
        if (line !== '') throw malformed();
        this.#state = 'done';
    }
  }

  #takeSize(line: string): void {
    const { signatures, lengthBytes, trailer } = this.#promise;
    const match = (signatures === null ? PLAIN_SIZE : SIGNED_SIZE).exec(line);
    if (match === null) throw malformed();
    const sizeBytes = Number.parseInt(match[1] ?? match[0], 16);
    this.#claimed = match[2] ?? '';
    this.#chunks += 1;
    if (sizeBytes > 0 && this.#lastSizeBytes < CHUNK_BYTES_MIN) {
      // Told as S3 does: the chunk that shows it, and the size of the one before.
      const details = { chunk: this.#chunks, badChunkBytes: this.#lastSizeBytes };
      throw refuse('InvalidChunkSizeError', undefined, details);
    }
    this.#dataBytes += sizeBytes;
    if (this.#dataBytes > lengthBytes) throw this.#canHold(sizeBytes) ? refuse('IncompleteBody') : malformed();
    if (sizeBytes === 0 && this.#dataBytes < lengthBytes) throw refuse('IncompleteBody');
    if (sizeBytes > 0) {
      this.#lastSizeBytes = sizeBytes;
      this.#leftBytes = sizeBytes;
      if (signatures !== null) this.#hash = createHash('sha256');
      this.#state = 'data';
      return;
    }
    this.#checkChunk(EMPTY_HASH);
    this.#state = trailer === null ? 'last-line' : 'trailer';
  }

  /** Whether a chunk of this size, and an end, can still come: if not, the size is wrong, not the length that was promised. */
  #canHold(sizeBytes: number): boolean {
    const { wireBytes } = this.#promise;
    return wireBytes === undefined || this.#wireBytes + sizeBytes + LAST_BYTES_MIN <= wireBytes;
  }

  #takeTrailer(line: string): void {
    const { signatures, trailer } = this.#promise;
    const name = trailer?.name ?? '';
    if (line === '' && name === '' && signatures === null) {
      this.#state = 'done';
      return;
    }
    const colon = line.indexOf(':');
    if (name === '' || colon < 0 || line.slice(0, colon) !== name) throw refuse('MalformedTrailerError');
    this.#trailerValue = line.slice(colon + 1).trim();
    this.#state = signatures === null ? 'last-line' : 'trailer-signature';
  }

  #takeTrailerSignature(line: string): void {
    const match = TRAILER_SIGNATURE.exec(line);
    if (match === null) throw malformed();
    this.#claimed = match[1] ?? '';
    const expected = this.#promise.signatures?.trailer([[this.#promise.trailer?.name ?? '', this.#trailerValue]]);
    if (expected !== undefined) this.#compare(expected);
    this.#state = 'last-line';
  }

  #checkChunk(dataHash: string): void {
    const expected = this.#promise.signatures?.nextChunk(dataHash);
    if (expected !== undefined) this.#compare(expected);
  }

  #compare({ signature, stringToSign }: ChunkSignature): void {
    if (timingSafeEqual(Buffer.from(signature, 'latin1'), Buffer.from(this.#claimed, 'latin1'))) return;
    throw refuse('SignatureDoesNotMatch', undefined, { stringToSign, signatureProvided: this.#claimed });
  }
}

const malformed = (): Error => refuse('IncompleteBody', 'The request body terminated unexpectedly');
