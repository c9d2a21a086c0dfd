/** A presigned URL, alone or in quotes, with the method before it when it is not GET. */
import { toEvidence, type Evidence } from './evidence.ts';
import { toRequest } from './http-dump.ts';

const URL_LINE = /^(?:(GET|HEAD|PUT|POST|DELETE)\s+)?["'<]?(https?:\/\/[^\s"'<>]+)["'>]?$/i;

/** One that stands somewhere in a text; a bracket ends it, and \\u0026 does not. */
const URL_INSIDE = /https?:\/\/(?:[^\s"'<>()\\[\]]|\\u0026)+[?&;]X-Amz-(?:[^\s"'<>()\\[\]]|\\u0026)+/i;

/** The last resort: a mail, a log line, JSON or HTML that holds a presigned URL. */
export function findUrl(text: string): Evidence | null {
  const url = URL_INSIDE.exec(text)?.[0];
  const read = url === undefined ? null : readUrl(url);
  return read === null ? null : { ...read, notes: [...read.notes, 'the URL was found inside other text'] };
}

export function readUrl(text: string): Evidence | null {
  const match = URL_LINE.exec(text.trim());
  if (match === null) return null;
  const [, method = 'GET', url = ''] = match;
  const notes: string[] = [];
  if (url.includes('&amp;')) notes.push('the URL holds &amp; where an & belongs: it was copied out of HTML or XML');
  const request = toRequest(method.toUpperCase(), url, []);
  return toEvidence('url', 'presigned URL', { request, notes });
}
