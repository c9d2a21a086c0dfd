/**
 * A request as it goes over the wire, or as a client prints it: with CRLF or LF, with the `> ` of `curl -v`, with HTTP/2's
 * pseudo-headers, inside the lines of a log that dumps requests.
 */
import type { WireRequest } from '../types.ts';
import { toEvidence, type Evidence } from './evidence.ts';

const METHODS = 'GET|HEAD|PUT|POST|DELETE|PATCH|OPTIONS';
const REQUEST_LINE = new RegExp(`^(?:[>*<] ?)?(${METHODS}|get|head|put|post|delete) (\\S+)(?: HTTP/[\\d.]+)?\\s*$`);
const HEADER_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]?(.*)$/;
const encoder = new TextEncoder();

export function readHttp(text: string): Evidence | null {
  const lines = text.split(/\r?\n/);
  const start = lines.findIndex((line) => REQUEST_LINE.test(line));
  if (start < 0) return readPseudoHeaders(lines);
  const [, method = '', target = ''] = REQUEST_LINE.exec(lines[start] ?? '') ?? [];
  const isQuoted = /^> ?/.test(lines[start] ?? '');
  const notes: string[] = [];
  const headers: [string, string][] = [];
  let at = start + 1;
  for (; at < lines.length; at++) {
    const line = isQuoted ? (lines[at] ?? '').replace(/^> ?/, '') : (lines[at] ?? '');
    if (line.trim() === '' || (isQuoted && !/^>/.test(lines[at] ?? ''))) break;
    const match = HEADER_LINE.exec(line);
    const last = headers.at(-1);
    if (match === null && /^[ \t]/.test(line) && last !== undefined) {
      last[1] += ` ${line.trim()}`;
      notes.push(`the header ${last[0]} is folded over lines, which HTTP refuses today`);
    } else if (match === null) {
      break;
    } else {
      headers.push([match[1] ?? '', match[2] ?? '']);
    }
  }
  if (headers.length === 0) return null;
  const request = toRequest(method.toUpperCase(), target, headers);
  const body = isQuoted ? null : readBody(text, lines, at, headers);
  return toEvidence('http', 'HTTP request', { request, body, notes });
}

/** The bytes behind the empty line; null when there are none but the head says that there were. */
function readBody(
  text: string,
  lines: readonly string[],
  at: number,
  headers: readonly [string, string][],
): Uint8Array | null {
  const length = headers.find(([name]) => name.toLowerCase() === 'content-length')?.[1];
  // Behind as many line ends as there are lines before it, whichever they are.
  let from = 0;
  for (let line = 0; line <= at && from >= 0; line++) from = text.indexOf('\n', from) + 1 || -1;
  const rest = from < 0 || at + 1 >= lines.length ? '' : text.slice(from);
  if (rest === '') return length === undefined || length.trim() === '0' ? new Uint8Array(0) : null;
  const bytes = encoder.encode(rest);
  // Editors and terminals end a paste with a newline of their own.
  const declared = Number(length ?? Number.NaN);
  return declared > 0 && declared < bytes.length && declared >= bytes.length - 2 ? bytes.subarray(0, declared) : bytes;
}

function readPseudoHeaders(lines: readonly string[]): Evidence | null {
  const found = new Map<string, string>();
  const headers: [string, string][] = [];
  for (const line of lines) {
    const pseudo = /^[>*< ]*:(method|path|authority|scheme)[:=]? ?(.*)$/.exec(line.trim());
    if (pseudo !== null) found.set(pseudo[1] ?? '', (pseudo[2] ?? '').trim());
    else {
      const match = HEADER_LINE.exec(line.replace(/^> ?/, ''));
      if (match !== null && found.size > 0) headers.push([match[1] ?? '', match[2] ?? '']);
    }
  }
  const [method, path] = [found.get('method'), found.get('path')];
  if (method === undefined || path === undefined) return null;
  const host: [string, string][] = found.has('authority') ? [['host', found.get('authority') ?? '']] : [];
  return toEvidence('http', 'HTTP/2 request', {
    request: toRequest(method.toUpperCase(), path, [...host, ...headers]),
  });
}

/** A target in absolute form loses its origin, which becomes the Host when there is none. */
export function toRequest(
  method: string,
  target: string,
  headers: readonly (readonly [string, string])[],
): WireRequest {
  const absolute = /^https?:\/\/([^/?#]+)([^#]*)/i.exec(target);
  const rest = absolute === null ? (target.split('#')[0] ?? '') : (absolute[2] ?? '');
  const mark = rest.indexOf('?');
  const path = mark < 0 ? rest : rest.slice(0, mark);
  const hasHost = headers.some(([name]) => name.toLowerCase() === 'host');
  const host = absolute?.[1]?.replace(/^[^@]*@/, '');
  return {
    method,
    path: path === '' ? '/' : path,
    query: mark < 0 ? '' : rest.slice(mark + 1),
    headers: hasHost || host === undefined ? headers : [['Host', host], ...headers],
  };
}
