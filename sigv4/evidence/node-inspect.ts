/**
 * What the AWS SDK for JavaScript shows. It logs no canonical request: people print the request in a middleware and the error that
 * came back, by console.log, which writes them as Node's util.inspect does, or by JSON. The error holds the server's own texts.
 */
import { encodeComponent } from '../encode.ts';
import { fromBytes } from './error-bytes.ts';
import { toEvidence, type Evidence } from './evidence.ts';
import { toRequest } from './http-dump.ts';

const encoder = new TextEncoder();
const LABEL = 'AWS SDK for JavaScript log';
const HEAD = 'HttpRequest {';

/** The signed request of `HttpRequest { method: 'GET', … }`, or of its JSON. */
export function readInspectedRequest(text: string): Evidence | null {
  const at = text.indexOf(HEAD);
  const fields = at < 0 ? parseJson(text) : readObject(text, at + HEAD.length - 1)?.value;
  if (fields === undefined || fields === null) return null;
  const { method, hostname, port, path, query, headers, body, protocol } = fields;
  if (typeof method !== 'string' || typeof path !== 'string' || typeof hostname !== 'string' || !isFields(headers))
    return null;
  const pairs = Object.entries(isFields(query) ? query : {}).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map(
      (one) => `${encodeComponent(name)}=${encodeComponent(typeof one === 'string' ? one : '')}`,
    ),
  );
  const lines = Object.entries(headers).flatMap(([name, value]): [string, string][] =>
    typeof value === 'string' ? [[name, value]] : [],
  );
  const authority = hostname + (typeof port === 'number' ? `:${String(port)}` : '');
  const scheme = typeof protocol === 'string' ? protocol : 'https:';
  const target = `${scheme}//${authority}${path}${pairs.length === 0 ? '' : `?${pairs.join('&')}`}`;
  return toEvidence('log', LABEL, {
    request: toRequest(method, target, lines),
    body: typeof body === 'string' ? encoder.encode(body) : body === undefined ? new Uint8Array(0) : null,
  });
}

/** The error that the SDK throws; its fields are those of the server's document. */
export function readInspectedError(text: string): Evidence | null {
  // The document's own fields stand behind the ones that the SDK adds to each error.
  const from = text.indexOf("'$metadata'");
  if (from < 0) return null;
  const rest = text.slice(from);
  const of = (name: string): string | null => {
    const at = new RegExp(`[\\s{,]${name}: (?=['"\`])`).exec(rest);
    return at === null ? null : (readLiteral(rest, at.index + at[0].length)?.text ?? null);
  };
  const code = of('Code');
  if (code === null) return null;
  return toEvidence('error', `error of the SDK (${code})`, {
    error: { code, message: new RegExp(`${code}: ([^\\n]{0,2048})`).exec(text)?.[1] ?? '' },
    canonicalRequest: fromBytes(of('CanonicalRequestBytes')) ?? of('CanonicalRequest'),
    stringToSign: fromBytes(of('StringToSignBytes')) ?? of('StringToSign'),
    signature: of('SignatureProvided'),
    accessKeyId: of('AWSAccessKeyId'),
  });
}

interface Fields {
  readonly [name: string]: unknown;
}
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;

function parseJson(text: string): Fields | null {
  if (!/^\s*\{\s*"/.test(text)) return null;
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : null;
  } catch {
    return null;
  }
}

/** Deeper ones are no request. */
const DEPTH_MAX = 4;

/** `{ name: value, … }` from its brace on: strings, numbers, lists of strings and objects; anything else is passed over. */
function readObject(text: string, from: number, depth = 0): { readonly value: Fields; readonly end: number } | null {
  const value: Record<string, unknown> = {};
  let at = from + 1;
  while (at < text.length) {
    at = skip(text, at);
    if (text[at] === '}') return { value, end: at + 1 };
    const name = /^(?:'([^'\n]{1,256})'|([\w$]{1,256})): /.exec(text.slice(at, at + 300));
    if (name === null) return null;
    at += name[0].length;
    const read = readValue(text, at, depth);
    if (read === null) return null;
    value[name[1] ?? name[2] ?? ''] = read.value;
    at = read.end;
  }
  return null;
}

function readValue(text: string, at: number, depth: number): { readonly value: unknown; readonly end: number } | null {
  const first = text[at] ?? '';
  if (`'"\``.includes(first) && first !== '') {
    const literal = readLiteral(text, at);
    return literal === null ? null : { value: literal.text, end: literal.end };
  }
  if (first === '{' && depth < DEPTH_MAX) return readObject(text, at, depth + 1);
  // Numbers, undefined, lists and streams, up to the end of the line.
  const end = text.indexOf('\n', at);
  const word = text.slice(at, end < 0 ? text.length : end).replace(/[,\s}]+$/, '');
  const list = /^\[ ((?:'[^']*'(?:, )?)+) \]$/.exec(word)?.[1];
  const value = /^\d+$/.test(word)
    ? Number(word)
    : list === undefined
      ? word === 'undefined'
        ? undefined
        : null
      : [...list.matchAll(/'([^']*)'/g)].map(([, one = '']) => one);
  return { value, end: at + word.length };
}

const skip = (text: string, from: number): number => {
  let at = from;
  while (at < text.length && /[\s,]/.test(text[at] ?? '')) at += 1;
  return at;
};

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

/** A string in quotes; a long one goes on behind ` +` and a new line. */
function readLiteral(text: string, from: number): { readonly text: string; readonly end: number } | null {
  let all = '';
  let at = from;
  for (;;) {
    const quote = text[at] ?? '';
    if (quote === '' || !`'"\``.includes(quote)) return null;
    let end = at + 1;
    for (; end < text.length && text[end] !== quote; end++) {
      if (text[end] !== '\\') all += text[end] ?? '';
      else {
        end += 1;
        all += ESCAPES[text[end] ?? ''] ?? text[end] ?? '';
      }
    }
    if (end >= text.length) return null;
    const more = /^ \+\n\s{0,64}(?=['"`])/.exec(text.slice(end + 1, end + 80));
    if (more === null) return { text: all, end: end + 1 };
    at = end + 1 + more[0].length;
  }
}
