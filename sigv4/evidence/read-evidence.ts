/**
 * Recognises what was pasted and reads it: a request dump, a curl command, a presigned URL, a HAR entry, a client's debug log, a
 * server's error document, or several of them one after the other. Anything else is null: whoever asks says what was expected.
 */
import { readCurl } from './curl.ts';
import { readErrorDocument } from './error-document.ts';
import type { Evidence, EvidenceKind } from './evidence.ts';
import { findAnswer } from './find-answer.ts';
import { readHar } from './har.ts';
import { readHttp } from './http-dump.ts';
import { readLog } from './sdk-log.ts';
import { findUrl, readUrl } from './presigned-url.ts';

/** More than any log of one request; a paste beyond it is cut there. 1 MB is read in well under a second. */
export const EVIDENCE_LENGTH_MAX = 1_000_000;

const READERS: Readonly<Record<EvidenceKind, (text: string) => Evidence | null>> = {
  har: readHar,
  curl: readCurl,
  url: readUrl,
  error: readErrorDocument,
  log: readLog,
  http: readHttp,
};

/** What was expected, in one line. */
export const EXPECTED =
  'expected a raw HTTP request, a curl command, a presigned URL, a HAR entry, an SDK debug log, or the XML error document of a server';

/** The line that a client prints of a refusal, and nothing of the request. */
const REFUSAL_LINES = [
  /An error occurred \(\w{1,64}\) when calling the \w{1,64} operation/,
  /S3 error: \d{3} \(\w{1,64}\)/,
  /\b(?:SignatureDoesNotMatch|InvalidAccessKeyId|RequestTimeTooSkewed|AuthorizationHeaderMalformed)\b/,
  /The request signature we calculated does not match the signature you provided/,
];

/** Why `readEvidence` found nothing in the text, and what to give instead: one line, which repeats none of it. */
export function explainNothing(text: string): string {
  const pasted = text.slice(0, EVIDENCE_LENGTH_MAX);
  if (!REFUSAL_LINES.some((line) => line.test(pasted))) return `nothing to explain was recognised: ${EXPECTED}`;
  return (
    'this tells that the request was refused, and not what was signed: send it again with the debug switch of its client ' +
    '(aws --debug, rclone -vv --dump headers,auth, s3cmd --debug, curl -v) and give what that prints, or give the XML error document'
  );
}

/**
 * The sides in a text: a request and the error document that answered it are two. Empty when nothing is recognised.
 * @param as reads it as this kind and no other
 */
export function readEvidence(text: string, as?: EvidenceKind): readonly Evidence[] {
  const pasted = text.slice(0, EVIDENCE_LENGTH_MAX).replace(/^\ufeff/, '');
  if (as !== undefined) {
    // What `curl -v` printed is curl's, too, and has the form of a dump.
    const one = READERS[as](pasted) ?? (as === 'curl' && /^[>*] /m.test(pasted) ? READERS.http(pasted) : null);
    return one === null ? [] : [one];
  }
  const error = READERS.error(pasted);
  const rest = error === null ? pasted : withoutError(pasted);
  for (const kind of ['har', 'curl', 'url', 'log', 'http'] as const) {
    const request = READERS[kind](rest);
    if (request === null) continue;
    if (error !== null) return [request, error];
    const answer = findAnswer(pasted);
    return [answer === null ? request : { ...request, answer }];
  }
  const url = findUrl(rest);
  return [url, error].filter((one) => one !== null);
}

/** What else was pasted: the server's texts are not the client's. */
function withoutError(text: string): string {
  if (text.includes('<Error>')) return text.replace(/<Error>[\s\S]*<\/Error>/, '');
  const request = text.indexOf('HttpRequest {');
  return request < 0 ? '' : text.slice(request);
}
