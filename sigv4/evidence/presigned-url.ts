/** A presigned URL, alone or in quotes, with the method before it when it is not GET. */
import { toEvidence, type Evidence } from './evidence.ts';
import { toRequest } from './http-dump.ts';

const URL_LINE = /^(?:(GET|HEAD|PUT|POST|DELETE)\s+)?["'<]?(https?:\/\/[^\s"'<>]+)["'>]?$/i;

export function readUrl(text: string): Evidence | null {
  const match = URL_LINE.exec(text.trim());
  if (match === null) return null;
  const [, method = 'GET', url = ''] = match;
  const notes: string[] = [];
  if (url.includes('&amp;')) notes.push('the URL holds &amp; where an & belongs: it was copied out of HTML or XML');
  const request = toRequest(method.toUpperCase(), url, []);
  return toEvidence('url', 'presigned URL', { request, notes });
}
