/**
 * Headers as they came, refused where two readers could understand them differently: a second Authorization, Host,
 * Content-Length, Transfer-Encoding, Content-MD5 or x-amz-… is a request that a proxy and a server may read apart.
 */
import { refuse } from '../answer/s3-error.ts';

export interface ParsedHeaders {
  /** In wire order, as sent: one character a byte. This is what the signature is checked over. */
  readonly pairs: readonly (readonly [name: string, value: string])[];
  /** By lower-case name, decoded; other repeats are joined by ', '. */
  readonly byName: Map<string, string>;
}

const SINGLE = new Set([
  'authorization',
  'host',
  'content-length',
  'transfer-encoding',
  'content-md5',
  'content-type',
  'content-encoding',
  'date',
  'expect',
  'range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
]);

/** Lists, which one SDK sends as a header for each entry. */
const LISTS = new Set(['x-amz-object-attributes', 'x-amz-optional-object-attributes']);

/**
 * @param rawHeaders names and values by turns, as node:http gives them
 * @throws invalid_request with s3Code InvalidRequest
 */
export function parseHeaders(rawHeaders: readonly string[]): ParsedHeaders {
  const pairs: (readonly [string, string])[] = [];
  const byName = new Map<string, string>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    const value = rawHeaders[index + 1] as string;
    const lower = name.toLowerCase();
    const before = byName.get(lower);
    if (before !== undefined && (SINGLE.has(lower) || (lower.startsWith('x-amz-') && !LISTS.has(lower)))) {
      throw refuse('InvalidRequest', `The header ${lower} appears twice.`);
    }
    pairs.push([name, value]);
    byName.set(lower, before === undefined ? toText(value) : `${before}, ${toText(value)}`);
  }
  if (byName.has('content-length') && byName.has('transfer-encoding')) {
    throw refuse('InvalidRequest', 'Content-Length and Transfer-Encoding exclude each other.');
  }
  return { pairs, byName };
}

const ABOVE_ASCII = /[^\u0000-\u007f]/;
const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * node:http reads header bytes as latin1. Clients that send text beyond ASCII send it as UTF-8, and sign it so; a value that is
 * not UTF-8 stays latin1, which is what node:http clients send and sign for the characters up to U+00FF.
 */
function toText(value: string): string {
  if (!ABOVE_ASCII.test(value)) return value;
  const bytes = Buffer.from(value, 'latin1');
  try {
    return DECODER.decode(bytes);
  } catch {
    return value;
  }
}

/** The reverse, for node:http's response headers: UTF-8 bytes on the wire. */
export function toHeaderValue(text: string): string {
  return ABOVE_ASCII.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
}
