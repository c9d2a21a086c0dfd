/**
 * A signed request as headers, as a presigned URL, as a curl command and as JSON. The secret key is in none of them. A session token
 * is in each, because the request does not hold without it.
 */
import { toAmzDate } from '../../sigv4/amz-date.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { presignRequest } from '../../sigv4/presign.ts';
import { signRequest } from '../../sigv4/sign.ts';
import { toSignedHeaders } from '../../sigv4/signed-headers.ts';
import { UNSIGNED_PAYLOAD } from '../../sigv4/limits.ts';
import type { Credentials, Presigned, Signed, SignInput } from '../../sigv4/types.ts';
import { quoteShell } from './quote-shell.ts';
import { fromWire, type HeaderList, type PreparedRequest } from './request.ts';

export interface SigningTime {
  readonly at: Date;
  readonly credentials: Credentials;
  /** Of the body, as `hashPayload` gives it. */
  readonly payloadHash: string;
}

export function signPrepared(request: PreparedRequest, time: SigningTime): Signed {
  return signRequest(nodeCrypto, toInput(request, time));
}

/** A URL for S3 says nothing of a body unless one is given: whoever gets it brings his own. */
export function presignPrepared(request: PreparedRequest, time: SigningTime, expiresSeconds: number): Presigned {
  const isOpen = request.service === 's3' && request.body.kind === 'none';
  const payloadHash = isOpen ? UNSIGNED_PAYLOAD : time.payloadHash;
  return presignRequest(nodeCrypto, { ...toInput(request, { ...time, payloadHash }), expiresSeconds });
}

export const printHeaders = ({ headers }: Signed): string =>
  headers.map(([name, value]) => `${name}: ${fromWire(value)}\n`).join('');

export const printUrl = (request: PreparedRequest, { target }: Presigned): string => `${request.origin}${target}\n`;

/** What must be sent with a presigned URL, besides Host; '' when there is nothing. */
export function printUrlNote(request: PreparedRequest): string {
  const names = toSignedHeaders(request.headers).filter((name) => name !== 'host');
  const lines = request.headers
    .filter(([name]) => names.includes(name.toLowerCase()))
    .map(([name, value]) => `  ${name}: ${fromWire(value)}\n`);
  const hostHeader = request.headers[0]?.[1] ?? '';
  if (!request.origin.endsWith(`//${hostHeader}`)) lines.unshift(`  host: ${fromWire(hostHeader)}\n`);
  return lines.length === 0 ? '' : `The URL holds only with these headers:\n${lines.join('')}`;
}

export function printJson(request: PreparedRequest, time: SigningTime, expiresSeconds: number | undefined): string {
  const isUrl = expiresSeconds !== undefined;
  const signed = isUrl ? presignPrepared(request, time, expiresSeconds) : signPrepared(request, time);
  const headers: HeaderList = 'headers' in signed ? signed.headers : request.headers;
  const document = {
    method: request.method,
    url: 'target' in signed ? request.origin + signed.target : toUrl(request),
    headers: headers.map(([name, value]) => [name, fromWire(value)]),
    region: request.region,
    service: request.service,
    signed_at: toAmzDate(time.at),
    ...(isUrl && { expires_seconds: expiresSeconds }),
    signature: signed.signature,
    stages: {
      canonical_request: signed.stages.canonicalRequest,
      canonical_request_sha256: signed.stages.canonicalRequestHash,
      scope: signed.stages.scope,
      string_to_sign: signed.stages.stringToSign,
      signed_headers: signed.stages.signedHeaders,
      payload_hash: signed.stages.payloadHash,
    },
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** A command for a POSIX shell that sends the request as it was signed. */
export function printCurl(request: PreparedRequest, { headers }: Signed): string {
  const isDefaultHost = request.origin.endsWith(`//${headers[0]?.[1] ?? ''}`);
  const sent = headers.slice(isDefaultHost ? 1 : 0);
  const words = [
    // The URL goes out as it stands: no {a,b} or [1-3] is expanded, no /../ folded.
    ['curl', '--globoff', '--path-as-is', ...(request.method === 'HEAD' ? ['--head'] : ['--request', request.method])],
    ...sent.map(([name, value]) => ['--header', value === '' ? `${name};` : `${name}: ${fromWire(value)}`]),
    ...bodyWords(request),
    [toUrl(request)],
  ];
  return `${words.map((line) => line.map(quoteShell).join(' ')).join(' \\\n  ')}\n`;
}

function bodyWords(request: PreparedRequest): string[][] {
  const { body, method, path } = request;
  // curl would say that it is a form.
  const noType = request.headers.some(([name]) => name.toLowerCase() === 'content-type')
    ? []
    : [['--header', 'Content-Type:']];
  // A request that may have a body says how long it is, also when it is empty.
  if (body.kind === 'none') return method === 'PUT' || method === 'POST' ? [...noType, ['--data-raw', '']] : [];
  if (body.kind === 'text') return [...noType, ['--data-raw', body.text]];
  const file = body.path.startsWith('-') ? `./${body.path}` : body.path;
  // --upload-file reads as it sends, but adds the file's name to a URL that ends in a slash.
  return path.endsWith('/') ? [...noType, ['--data-binary', `@${file}`]] : [['--upload-file', file]];
}

const toUrl = ({ origin, path, query }: PreparedRequest): string => origin + path + (query === '' ? '' : `?${query}`);

function toInput(request: PreparedRequest, { at, credentials, payloadHash }: SigningTime): SignInput {
  const { method, path, query, headers, region, service, pathRule } = request;
  return { request: { method, path, query, headers }, credentials, region, service, pathRule, payloadHash, at };
}
