/** The head of a request as it goes over the wire. */
import { HttpError, type OutgoingRequest } from './exchange.ts';

/** RFC 9110, token. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** RFC 9112 takes no white space into a target, and everything beyond ASCII is percent-encoded. */
const TARGET = /^[\x21-\x7e]+$/;
/** RFC 9110, field-value: no control but the tab. Written as Latin-1, which is what stands above ASCII. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** These say where a request ends, or belong to one connection: this client alone decides them. */
const OWN = new Set(['connection', 'expect', 'keep-alive', 'trailer', 'transfer-encoding', 'upgrade']);

export interface RequestHead {
  /** Latin-1, with its empty last line. */
  readonly text: string;
  /** What follows it. */
  readonly bodyBytes: number;
}

/**
 * @throws HTTP_UNSENDABLE for what would not arrive as it was meant: a line end in a value would begin another header, or another request
 */
export function printRequestHead({ method, target, headers, body }: OutgoingRequest): RequestHead {
  if (!TOKEN.test(method) || !TARGET.test(target)) throw unsendable('the method or the target');
  let text = `${method} ${target} HTTP/1.1\r\n`;
  let promised: string | null = null;
  let hasHost = false;
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] as string;
    const value = headers[at + 1] as string;
    if (!isName(name) || !VALUE.test(value)) throw unsendable('a header');
    if (name === 'content-length') {
      if (promised !== null) throw unsendable('a second content-length');
      promised = value;
      continue;
    }
    if (name === 'host') hasHost = true;
    text += `${name}: ${value}\r\n`;
  }
  if (!hasHost) throw unsendable('a request without host');
  const bodyBytes = toBodyBytes(body, promised);
  // Methods that have a meaning for a body say its length also when it is none (RFC 9110, 8.6).
  const says = promised !== null || body !== null || method === 'PUT' || method === 'POST';
  return { text: says ? `${text}content-length: ${String(bodyBytes)}\r\n\r\n` : `${text}\r\n`, bodyBytes };
}

/** The same few names come again and again, and asking a set is cheaper than matching. */
const known = new Set<string>();
const KNOWN_MAX = 256;

function isName(name: string): boolean {
  if (known.has(name)) return true;
  if (!TOKEN.test(name) || name !== name.toLowerCase() || OWN.has(name)) return false;
  if (known.size < KNOWN_MAX) known.add(name);
  return true;
}

function toBodyBytes(body: OutgoingRequest['body'], promised: string | null): number {
  const bytes = promised === null ? null : /^\d{1,15}$/.test(promised) ? Number(promised) : Number.NaN;
  if (Number.isNaN(bytes)) throw unsendable('a content-length that is no number');
  const actual = body === null ? 0 : body instanceof Uint8Array ? body.byteLength : null;
  if (actual === null && bytes === null) throw unsendable('a streamed body without its length');
  if (actual !== null && bytes !== null && actual !== bytes) {
    throw new HttpError('HTTP_BODY_LENGTH', 'the body does not have the length that its head promises');
  }
  return actual ?? (bytes as number);
}

const unsendable = (what: string): HttpError => new HttpError('HTTP_UNSENDABLE', `${what} cannot be sent over HTTP`);
