/**
 * Reads the URL that a person types. Not with the URL class: that one folds `.` and `..`, which are parts of a key like any other.
 *
 * What a URL cannot carry (a space, a quote, `é`) is percent-encoded; what is encoded already stays. A lone % is refused: nobody
 * can tell whether it was meant as a character or as the start of an encoding.
 */
import { recodeComponent, recodePath } from '../../sigv4/encode.ts';
import type { PathRule } from '../../sigv4/types.ts';
import { misuse } from './request.ts';

export interface ParsedUrl {
  readonly scheme: 'http' | 'https';
  /** Lower case, with the port when it is not the scheme's own: the Host that a client sends. */
  readonly host: string;
  /** As typed. */
  readonly rawPath: string;
  /** As typed; '' when there is none. */
  readonly rawQuery: string;
}

const URL_FORM = /^(https?):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(#[^]*)?$/i;
const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9._-]*[a-z0-9_.-])?)(?::(\d{1,5}))?$/i;
const DEFAULT_PORTS = { http: 80, https: 443 } as const;

/** @throws invalid_request, which never repeats the URL: it may hold a password or a signature */
export function parseUrl(text: string): ParsedUrl {
  const [, rawScheme, authority = '', rawPath = '', rawQuery = '', fragment] = URL_FORM.exec(text) ?? [];
  if (rawScheme === undefined) throw misuse('the URL must begin with https:// or http://');
  const scheme = rawScheme.toLowerCase() === 'https' ? 'https' : 'http';
  if (authority.includes('@')) {
    throw misuse(
      'the URL names a user: keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; an @ in a key is fine after the host',
    );
  }
  if (fragment !== undefined) throw misuse('the URL has a #, which is never sent: write %23 for a # in a key');
  const [, name, rawPort] = HOST.exec(authority) ?? [];
  if (name === undefined)
    throw misuse('the URL has no host that can be sent: letters, digits, dots and dashes, and a port');
  const port = rawPort === undefined ? DEFAULT_PORTS[scheme] : Number(rawPort);
  if (port < 1 || port > 65_535) throw misuse('the port of the URL must be 1 to 65535');
  const host = name.toLowerCase() + (port === DEFAULT_PORTS[scheme] ? '' : `:${String(port)}`);
  if (/(^|&)X-Amz-(Signature|Credential|Algorithm)=/i.test(rawQuery)) {
    throw misuse('the URL is presigned already: give it without its X-Amz- parameters');
  }
  return { scheme, host, rawPath, rawQuery };
}

/** The path to send. For S3 it is its own canonical form, so that no server can read the two differently. */
export function toSentPath(rawPath: string, rule: PathRule): string {
  if (rawPath === '') return '/';
  requireEncoding(rawPath);
  return rule === 's3' ? (recodePath(rawPath) ?? '') : encodeRest(rawPath);
}

/** The query to send, in the order typed; `uploads` stays without `=`. */
export function toSentQuery(rawQuery: string): string {
  requireEncoding(rawQuery);
  return rawQuery
    .replaceAll('+', '%20')
    .split('&')
    .filter((piece) => piece !== '')
    .map((piece) => {
      const equals = piece.indexOf('=');
      const parts = equals < 0 ? [piece] : [piece.slice(0, equals), piece.slice(equals + 1)];
      return parts.map((part) => recodeComponent(part) ?? '').join('=');
    })
    .join('&');
}

function requireEncoding(text: string): void {
  if (/%(?![0-9a-f]{2})/i.test(text)) throw misuse('the URL has a % without two hexadecimal digits: write %25 for a %');
}

/** Encodes all but slashes, and leaves what is encoded: a %2F must not become a slash, nor %2E a dot that is folded. */
function encodeRest(path: string): string {
  return path
    .split(/(%[0-9a-f]{2}|\/)/i)
    .map((piece) =>
      piece.startsWith('%') ? piece.toUpperCase() : piece === '/' ? piece : (recodeComponent(piece) ?? ''),
    )
    .join('');
}
