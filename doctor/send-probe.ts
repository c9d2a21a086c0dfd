/**
 * One request of the doctor, signed by our own signer over exactly what is sent, on a connection of its own. The answer keeps what
 * was signed beside what came back, so that the two can be compared byte by byte.
 */
import http from 'node:http';
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { readErrorDocument } from '../sigv4/evidence/error-document.ts';
import { toEvidence, type Evidence } from '../sigv4/evidence/evidence.ts';
import { sha256Hex } from '../sigv4/hex.ts';
import { nodeCrypto } from '../sigv4/node-crypto.ts';
import { signRequest } from '../sigv4/sign.ts';
import type { Credentials, PathRule } from '../sigv4/types.ts';
import { openSocket, ReachFailure, toProxyHeaders, type OpenRoute } from './open-socket.ts';

type Headers = readonly (readonly [name: string, value: string])[];

export interface ProbeRequest {
  readonly method?: string;
  /** Default: the bucket's, or '/'. Percent-encoded; the endpoint's own path comes in front. */
  readonly path?: string;
  readonly query?: string;
  /** Beside host; each is signed. */
  readonly headers?: Headers;
  readonly body?: Uint8Array;
  readonly bucket?: string | null;
  readonly addressing?: 'path' | 'virtual';
  readonly isUnsigned?: true;
  /** With one digit of the signature changed, to see whether anybody looks. */
  readonly isTampered?: true;
  readonly region?: string;
  readonly credentials?: Credentials;
}

export interface ToSend {
  readonly url: URL;
  readonly method: string;
  /** As it goes over the wire. */
  readonly path: string;
  readonly query: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
  readonly isTampered?: boolean;
  /** Null: unsigned. */
  readonly sign: {
    readonly credentials: Credentials;
    readonly region: string;
    readonly service: string;
    readonly pathRule: PathRule;
    readonly at: Date;
  } | null;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The S3 code of an error document, or ''. */
  readonly code: string;
  readonly message: string;
  /** What we signed and sent; what the server says that it saw. */
  readonly ours: Evidence | null;
  readonly theirs: Evidence | null;
  /** Between these two, by our own clock, the server wrote its Date. */
  readonly sentAt: Date;
  readonly receivedAt: Date;
  readonly secret: string | null;
}

const BODY_BYTES_MAX = 256 * 1024;

/** @throws ReachFailure when no answer comes */
export async function sendProbe(send: ToSend, route: OpenRoute, now: () => Date): Promise<Answer> {
  const { url, method, path, query, body, sign } = send;
  const given: Headers = [['host', url.host], ...send.headers];
  const request = { method, path, query, headers: given };
  const payloadHash = sha256Hex(nodeCrypto, body);
  const names = given.map(([name]) => name.toLowerCase());
  const signed =
    sign === null
      ? null
      : signRequest(nodeCrypto, {
          request,
          ...sign,
          payloadHash,
          signedHeaders: [...names, 'x-amz-date', ...amzNames(sign.service, sign.credentials)],
        });
  const headers = (signed?.headers ?? given).map(([name, value]): [string, string] => [
    name,
    send.isTampered === true && name === 'authorization' ? changeLastDigit(value) : value,
  ]);
  if (body.length > 0 && !names.includes('content-length')) headers.push(['content-length', String(body.length)]);
  const opened = await openSocket(url, route);
  const sentAt = now();
  const { proxy } = route;
  const isForwarded = proxy?.kind === 'forward' && url.protocol === 'http:';
  const target = `${path}${query === '' ? '' : `?${query}`}`;
  if (isForwarded) headers.push(...Object.entries(toProxyHeaders(proxy)));
  try {
    const raw = await exchange(
      {
        method,
        path: isForwarded ? `${url.protocol}//${url.host}${target}` : target,
        headers: [...headers, ['connection', 'close']].flat(),
        createConnection: () => opened.socket,
      },
      body,
      route.timeoutMs,
    );
    const theirs = readErrorDocument(raw.text);
    return {
      ...raw,
      code: theirs?.error?.code ?? '',
      message: theirs?.error?.message ?? '',
      theirs,
      ours:
        signed === null
          ? null
          : toEvidence('http', 'what was signed here', {
              request: { ...request, headers: signed.headers },
              body,
              canonicalRequest: signed.stages.canonicalRequest,
              stringToSign: signed.stages.stringToSign,
              signature: signed.signature,
              accessKeyId: sign?.credentials.accessKeyId ?? null,
            }),
      sentAt,
      receivedAt: now(),
      secret: sign?.credentials.secretAccessKey ?? null,
    };
  } catch (error) {
    if (error instanceof ReachFailure) throw error;
    const { code = 'unknown', message } = error as NodeJS.ErrnoException;
    throw new ReachFailure('tcp', code, message, { cause: error });
  } finally {
    opened.socket.destroy();
  }
}

const changeLastDigit = (authorization: string): string =>
  authorization.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'));

const amzNames = (service: string, { sessionToken }: Credentials): string[] => [
  ...(service === 's3' ? ['x-amz-content-sha256'] : []),
  ...(sessionToken === undefined ? [] : ['x-amz-security-token']),
];

function exchange(
  options: http.RequestOptions,
  body: Uint8Array,
  timeoutMs: number,
): Promise<{ status: number; headers: Headers; text: string }> {
  return new Promise((resolve, reject) => {
    const request = http.request(options, (answer) => {
      const chunks: Buffer[] = [];
      let sizeBytes = 0;
      answer.on('data', (chunk: Buffer) => {
        sizeBytes += chunk.length;
        if (sizeBytes <= BODY_BYTES_MAX) chunks.push(chunk);
      });
      answer.on('error', reject);
      answer.on('end', () => {
        clearTimeout(timer);
        const { rawHeaders, statusCode = 0 } = answer;
        const pairs = rawHeaders.flatMap((name, index): [string, string][] =>
          index % 2 === 0 ? [[name.toLowerCase(), rawHeaders[index + 1] ?? '']] : [],
        );
        resolve({ status: statusCode, headers: pairs, text: decode(Buffer.concat(chunks), pairs) });
      });
    });
    const timer = setTimeout(() => {
      request.destroy(Object.assign(new Error('no answer came in time'), { code: 'ETIMEDOUT' }));
    }, timeoutMs);
    request.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    request.end(body);
  });
}

/** A proxy may compress what nobody asked it to. */
function decode(bytes: Buffer, headers: Headers): string {
  const encoding = headers.find(([name]) => name === 'content-encoding')?.[1] ?? '';
  const limit = { maxOutputLength: 4 * BODY_BYTES_MAX };
  try {
    if (encoding === 'gzip') return gunzipSync(bytes, limit).toString();
    if (encoding === 'br') return brotliDecompressSync(bytes, limit).toString();
    if (encoding === 'deflate') return inflateSync(bytes, limit).toString();
  } catch {
    return '';
  }
  return bytes.toString();
}

export const headerOf = ({ headers }: Answer, name: string): string | null =>
  headers.find(([one]) => one === name)?.[1] ?? null;

/** `403 SignatureDoesNotMatch`. */
export const printStatus = ({ status, code }: Answer): string => `${String(status)}${code === '' ? '' : ` ${code}`}`;

const UNHELD: ReadonlySet<string> = new Set([
  'SignatureDoesNotMatch',
  'InvalidAccessKeyId',
  'InvalidToken',
  'ExpiredToken',
  'TokenRefreshRequired',
  'RequestTimeTooSkewed',
  'AuthorizationHeaderMalformed',
  'AuthorizationQueryParametersError',
  'MissingSecurityHeader',
  'InvalidRequest',
  'BadRequest',
  'MissingContentLength',
]);

/**
 * The signature may have held: success, or a refusal that comes after it. That it did needs the control probe as well, since these
 * answers also come from those who look at no signature. Null when the answer does not tell.
 */
export function isHeld({ status, code }: Answer): boolean | null {
  if (status >= 200 && status < 300) return true;
  if (UNHELD.has(code)) return false;
  return code !== '' && status < 500 ? true : null;
}
