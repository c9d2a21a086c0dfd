/**
 * The canonical query: every parameter decoded once, encoded once, sorted by encoded name and then by encoded value.
 *
 * - `key` is the same as `key=`. Empty pieces (`a&&b`) are no parameters. Repeated names all stay.
 * - Names and values are compared apart. Sorting whole `name=value` strings puts `a-b=` before `a=`, since '-' sorts before '=',
 *   and is a common cause of SignatureDoesNotMatch.
 * - A raw '+' is a space, as in HTML forms, and is signed as %20; a client that means a plus sends %2B. S3 accepts URLs that were
 *   signed with %20 and sent with '+', and so do Ceph and the Go servers; none of the recorded clients sends a raw '+' in a
 *   query at all. What matters for safety is that whoever reads a parameter reads the same value that was signed: read it from
 *   `parseQuery`. In a path a '+' is a plus.
 */
import { decodeComponent, encodeComponent, recodeComponent } from './encode.ts';

/** The canonical query of a query as sent, leaving out the parameters whose encoded name is `except`; null when malformed. */
export function buildCanonicalQuery(query: string, except?: string): string | null {
  if (query === '') return '';
  const pairs: [name: string, value: string][] = [];
  for (const piece of query.split('&')) {
    if (piece === '') continue;
    const [rawName, rawValue] = splitPiece(piece);
    const name = recodeComponent(rawName);
    const value = recodeComponent(rawValue);
    if (name === null || value === null) return null;
    if (name !== except) pairs.push([name, value]);
  }
  // Both sides are ASCII, where the order of UTF-16 units is that of bytes.
  pairs.sort((a, b) => compareAscii(a[0], b[0]) || compareAscii(a[1], b[1]));
  return pairs.map(([name, value]) => `${name}=${value}`).join('&');
}

/** The parameters in the order sent, decoded once; null when the percent-encoding is malformed or not UTF-8. */
export function parseQuery(query: string): (readonly [name: string, value: string])[] | null {
  const parameters: (readonly [string, string])[] = [];
  if (query === '') return parameters;
  for (const piece of query.split('&')) {
    if (piece === '') continue;
    const [rawName, rawValue] = splitPiece(piece);
    const name = decodeComponent(rawName);
    const value = decodeComponent(rawValue);
    if (name === null || value === null) return null;
    parameters.push([name, value]);
  }
  return parameters;
}

/** A query of decoded parameters, encoded in the order given. */
export function printQuery(parameters: readonly (readonly [name: string, value: string])[]): string {
  return parameters.map(([name, value]) => `${encodeComponent(name)}=${encodeComponent(value)}`).join('&');
}

function splitPiece(piece: string): [name: string, value: string] {
  const spaced = piece.includes('+') ? piece.replaceAll('+', '%20') : piece;
  const equals = spaced.indexOf('=');
  return equals < 0 ? [spaced, ''] : [spaced.slice(0, equals), spaced.slice(equals + 1)];
}

function compareAscii(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
