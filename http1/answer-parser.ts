/**
 * Reads answers off one connection, strictly: an answer that two readers could take apart differently is refused, for what one takes
 * for the end of a body is to another the head of the next. Lines end in CR LF and never go on in the next; a length is said once;
 * a length and chunks exclude each other.
 *
 * Bytes are handed on as views of what came in; nothing but a head that is in two reads is copied.
 */
import { HttpError, type AnswerHeaders } from './exchange.ts';

/** Node's server and S3's own limits on metadata stay well below. */
const HEAD_BYTES_MAX = 32 * 1024;
/** Size and extensions of a chunk, or one line of a trailer. */
const LINE_BYTES_MAX = 4 * 1024;
const TRAILER_LINES_MAX = 64;
/** A server that is at work may say so now and then; each starts the clock of a quiet connection anew. */
const INTERIMS_MAX = 32;

const CR = 13;
const LF = 10;

export interface AnswerSink {
  onHead(status: number, headers: AnswerHeaders): void;
  onData(chunk: Uint8Array): void;
  /** @param isLast the other side will say no more on this connection, or cannot be believed to */
  onEnd(isLast: boolean): void;
}

type Stage = 'idle' | 'head' | 'length' | 'close' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailer';

const EMPTY = Buffer.alloc(0);

export class AnswerParser {
  readonly #sink: AnswerSink;
  #stage: Stage = 'idle';
  #isHead = false;
  #isLast = false;
  /** What came of a head or a line that is not whole yet. */
  #held: Buffer = EMPTY;
  /** Of the body, or of the present chunk, still to come. */
  #leftBytes = 0;
  #trailerLines = 0;
  #interims = 0;
  #begun = false;
  #stopped = false;

  constructor(sink: AnswerSink) {
    this.#sink = sink;
  }

  /** True once a byte of the present answer has come. */
  get hasBegun(): boolean {
    return this.#begun;
  }

  /** The next bytes answer a request of this method. */
  start(method: string): void {
    this.#stage = 'head';
    this.#isHead = method === 'HEAD';
    this.#isLast = false;
    this.#begun = false;
    this.#interims = 0;
  }

  /** Nothing more is told. */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * @returns false when bytes came that answer nothing: the connection is of no more use
   * @throws HTTP_MALFORMED, HTTP_HEAD_TOO_LARGE
   */
  push(chunk: Buffer): boolean {
    let rest = chunk;
    if (this.#stage !== 'idle') this.#begun = true;
    while (rest.byteLength > 0 && !this.#stopped) {
      if (this.#stage === 'idle') return false;
      rest = this.#step(rest);
    }
    return true;
  }

  /**
   * The connection has ended.
   * @throws HTTP_CLOSED, HTTP_TRUNCATED where that is not the end of an answer
   */
  end(): void {
    if (this.#stage === 'idle' || this.#stopped) return;
    if (this.#stage === 'close') {
      this.#isLast = true;
      this.#finish();
      return;
    }
    if (this.#stage === 'length') {
      throw new HttpError('HTTP_TRUNCATED', 'the connection ended within a body whose length was promised');
    }
    throw new HttpError('HTTP_CLOSED', 'the connection was closed before the answer was whole');
  }

  /** Takes a piece off the front and returns what is left. */
  #step(bytes: Buffer): Buffer {
    switch (this.#stage) {
      case 'head':
        return this.#readHead(bytes);
      case 'length':
      case 'chunk':
        return this.#readCounted(bytes);
      case 'close':
        this.#sink.onData(bytes);
        return EMPTY;
      default:
        return this.#readLine(bytes);
    }
  }

  #readHead(bytes: Buffer): Buffer {
    const whole = this.#held.byteLength === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    const end = whole.indexOf('\r\n\r\n', 0, 'latin1');
    if (end > HEAD_BYTES_MAX || (end < 0 && whole.byteLength > HEAD_BYTES_MAX)) {
      throw new HttpError(
        'HTTP_HEAD_TOO_LARGE',
        `the head of the answer has more than ${String(HEAD_BYTES_MAX)} bytes`,
      );
    }
    if (end < 0) {
      // A copy: the bytes may be a view of a buffer that is read into again.
      this.#held = whole === bytes ? Buffer.from(bytes) : whole;
      return EMPTY;
    }
    this.#held = EMPTY;
    const { status, headers, isLast } = parseHead(whole.toString('latin1', 0, end));
    if (status >= 200) this.#begin(status, headers, isLast);
    else if (status === 101) throw malformed('a change of protocol that nobody asked for');
    else if (++this.#interims > INTERIMS_MAX) throw malformed('too many interim answers before it');
    return whole.subarray(end + 4);
  }

  #begin(status: number, headers: AnswerHeaders, isLast: boolean): void {
    this.#isLast = isLast;
    const length = headers['content-length'];
    const coding = headers['transfer-encoding'];
    if (Array.isArray(length) || (length !== undefined && !/^\d{1,15}$/.test(length))) {
      throw malformed('a content-length that is not one number');
    }
    if (coding !== undefined) {
      if (length !== undefined) throw malformed('a length and a transfer-encoding');
      if (typeof coding !== 'string' || coding.toLowerCase() !== 'chunked') throw malformed('an unknown coding');
    }
    // Whoever announces what may not be there, or refuses, is the likeliest to send it: it would be read as the next answer.
    const announcesBody = coding !== undefined || (length !== undefined && Number(length) > 0);
    if (this.#isHead ? status >= 400 && status !== 404 : status === 204 && announcesBody) this.#isLast = true;
    this.#sink.onHead(status, headers);
    if (this.#stopped) return;
    if (this.#isHead || status === 204 || status === 304 || length === '0') {
      this.#finish();
    } else if (length !== undefined) {
      this.#leftBytes = Number(length);
      if (this.#leftBytes === 0) this.#finish();
      else this.#stage = 'length';
    } else {
      this.#stage = coding === undefined ? 'close' : 'chunk-size';
    }
  }

  #readCounted(bytes: Buffer): Buffer {
    const isAll = bytes.byteLength <= this.#leftBytes;
    const piece = isAll ? bytes : bytes.subarray(0, this.#leftBytes);
    const rest = isAll ? EMPTY : bytes.subarray(this.#leftBytes);
    this.#leftBytes -= piece.byteLength;
    this.#sink.onData(piece);
    if (this.#leftBytes === 0 && !this.#stopped) {
      if (this.#stage === 'chunk') this.#stage = 'chunk-end';
      else this.#finish();
    }
    return rest;
  }

  /** A line of the chunked coding. */
  #readLine(bytes: Buffer): Buffer {
    const at = bytes.indexOf(LF);
    const piece = at < 0 ? bytes : bytes.subarray(0, at + 1);
    const line = this.#held.byteLength === 0 ? piece : Buffer.concat([this.#held, piece]);
    if (line.byteLength > LINE_BYTES_MAX) throw malformed('a line of the chunked coding that does not end');
    if (at < 0) {
      this.#held = Buffer.from(line);
      return EMPTY;
    }
    this.#held = EMPTY;
    if (line.byteLength < 2 || line[line.byteLength - 2] !== CR) throw malformed('a line that does not end in CR LF');
    this.#takeLine(line.toString('latin1', 0, line.byteLength - 2));
    return bytes.subarray(at + 1);
  }

  #takeLine(line: string): void {
    if (this.#stage === 'chunk-end') {
      if (line !== '') throw malformed('a chunk that is longer than its size');
      this.#stage = 'chunk-size';
    } else if (this.#stage === 'chunk-size') {
      const size = /^([0-9a-fA-F]{1,13})(?:[ \t]*;.*)?$/.exec(line)?.[1];
      if (size === undefined) throw malformed('a chunk whose size is no number');
      this.#leftBytes = parseInt(size, 16);
      this.#trailerLines = 0;
      this.#stage = this.#leftBytes === 0 ? 'trailer' : 'chunk';
    } else if (line === '') {
      this.#finish();
    } else if (++this.#trailerLines > TRAILER_LINES_MAX) {
      throw malformed('too many trailers');
    }
  }

  #finish(): void {
    this.#stage = 'idle';
    this.#sink.onEnd(this.#isLast);
  }
}

interface Head {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly isLast: boolean;
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// Of all that a line may not hold only these would let it be read as something else.
const UNFIT = /[\0\r\n]/;

/** @param text a head without its empty last line */
function parseHead(text: string): Head {
  let lineEnd = text.indexOf('\r\n');
  const statusLine = STATUS_LINE.exec(lineEnd < 0 ? text : text.slice(0, lineEnd));
  if (statusLine === null) throw malformed('no status line');
  const headers: Record<string, string | string[]> = Object.create(null) as Record<string, string>;
  while (lineEnd >= 0) {
    const start = lineEnd + 2;
    lineEnd = text.indexOf('\r\n', start);
    const end = lineEnd < 0 ? text.length : lineEnd;
    const colon = text.indexOf(':', start);
    if (colon < 0 || colon >= end) throw malformed('a header without a colon');
    const name = toName(text.slice(start, colon));
    const value = trimBlanks(text, colon + 1, end);
    if (UNFIT.test(value)) throw malformed('a control character in a header');
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else if (typeof before === 'string') headers[name] = [before, value];
    else before.push(value);
  }
  // HTTP/1.0 keeps a connection only by an understanding that is not worth having.
  const isLast = statusLine[1] === '0' || /(?:^|,)\s*close\s*(?:,|$)/i.test(String(headers['connection'] ?? ''));
  return { status: Number(statusLine[2]), headers, isLast };
}

/** `trim` would take no-break spaces too, which are part of a value. */
function trimBlanks(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (start < end && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09;

/** Servers send the same names each time: matching and lowering them once is enough. */
const names = new Map<string, string>();
const NAMES_MAX = 512;

function toName(written: string): string {
  const known = names.get(written);
  if (known !== undefined) return known;
  if (!NAME.test(written)) throw malformed('a header whose name is no token');
  const name = written.toLowerCase();
  if (names.size < NAMES_MAX) names.set(written, name);
  return name;
}

const malformed = (what: string): HttpError => new HttpError('HTTP_MALFORMED', `the answer has ${what}`);
