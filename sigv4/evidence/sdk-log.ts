/**
 * What clients log of signing: botocore and the aws CLI (--debug), the SDKs for Go, Java and JavaScript, s3cmd (-d), and whatever
 * else prints a canonical request and a string to sign. They differ in what stands around the texts, so the texts themselves are
 * looked for. A request that is dumped beside them is read too.
 */
import { toEvidence, type Evidence } from './evidence.ts';
import { readHttp } from './http-dump.ts';
import { readInspectedRequest } from './node-inspect.ts';
import { findLoggedTexts } from './logged-texts.ts';

const SIGNATURE = /Signature[:=]\s*["']?([0-9a-f]{64})/i;
const CREDENTIAL = /Credential=([A-Za-z0-9_-]+)\//;

const APACHE = /http-outgoing-\d+ >> "?([^\n]*?)(?:\[\\r\]\[\\n\]"?)?$/;

const CLIENTS: readonly (readonly [mark: RegExp, label: string])[] = [
  [/botocore|awscli/, 'botocore debug log'],
  [/---\[ CANONICAL STRING/, 'AWS SDK for Go log'],
  [/AWS4 Canonical Request|software\.amazon\.awssdk|com\.amazonaws/i, 'AWS SDK for Java log'],
  [/DEBUG: Canonical Request/, 's3cmd debug log'],
  [/HTTP REQUEST \(req/, 'rclone dump'],
  [/^mc: <DEBUG> /m, 'mc debug log'],
];

export function readLog(text: string): Evidence | null {
  const inspected = readInspectedRequest(text);
  if (inspected !== null) return inspected;
  const apache = readApacheLog(text);
  if (apache !== null) return apache;
  // Structured logs hold the texts with their line feeds escaped.
  const plain = (
    text.includes('\\n') ? text.replaceAll('\\r\\n', '\n').replaceAll('\\n', '\n').replaceAll('\\"', '"') : text
  )
    .replaceAll('\r\n', '\n')
    // rclone writes its time and level before the request line.
    .replace(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d DEBUG : /gm, '')
    .replace(/^mc: <DEBUG> /gm, '');
  const { canonicalRequest, stringToSign } = findLoggedTexts(plain);
  const label = CLIENTS.find(([mark]) => mark.test(text))?.[1];
  const isDump = label === 'rclone dump' || label === 'mc debug log';
  if (canonicalRequest === null && stringToSign === null && !isDump) return null;
  const behind = stringToSign === null ? plain : plain.slice(plain.indexOf(stringToSign));
  const http = readHttp(canonicalRequest === null ? plain : plain.replace(canonicalRequest, ''));
  if (canonicalRequest === null && stringToSign === null && http === null) return null;
  return toEvidence('log', label ?? 'debug log', {
    request: http?.request ?? null,
    canonicalRequest,
    stringToSign,
    signature: SIGNATURE.exec(behind)?.[1] ?? SIGNATURE.exec(plain)?.[1] ?? null,
    accessKeyId: CREDENTIAL.exec(plain)?.[1] ?? null,
  });
}

/** What Apache's HttpClient logs below the SDK for Java: each line of the head for itself, as `headers` or as `wire`. */
function readApacheLog(text: string): Evidence | null {
  if (!text.includes('http-outgoing-')) return null;
  const lines = text.split(/\r?\n/).flatMap((line) => {
    const sent = line.length < 16_384 ? APACHE.exec(line)?.[1] : undefined;
    return sent === undefined ? [] : [sent];
  });
  const http = readHttp(`${lines.join('\n')}\n\n`);
  return http === null ? null : toEvidence('log', 'log of Apache HttpClient', { request: http.request });
}
