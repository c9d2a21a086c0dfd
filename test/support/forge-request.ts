/**
 * A signer of its own, apart from the one under test, in which each part can be wrong while all the others hold: a refusal then shows
 * that this very part was looked at. Gives the bytes that go over the wire, so that nothing in between mends them.
 */
import { createHash, createHmac } from 'node:crypto';
import { toAmzDate } from '../../sigv4/amz-date.ts';
import { TEST_CREDENTIALS } from './start-store.ts';

export type Header = readonly [name: string, value: string];

export interface Forgery {
  readonly method?: string;
  /** Default: the one that is sent. */
  readonly signedMethod?: string;
  /** As sent. */
  readonly path?: string;
  /** As signed; default: as sent. */
  readonly canonicalPath?: string;
  /** As sent, and signed in this order: write them sorted and encoded, names with '='. */
  readonly query?: string;
  /** Added after signing. */
  readonly unsignedQuery?: string;
  readonly headers?: readonly Header[];
  /** Sent but not signed. */
  readonly unsignedHeaders?: readonly Header[];
  readonly body?: string | Uint8Array;
  readonly payloadHash?: string;
  readonly at?: Date;
  /** What x-amz-date says; null for no such header. */
  readonly amzDate?: string | null;
  /** The time in the string to sign; default: that of x-amz-date. */
  readonly signedAt?: string;
  readonly scopeDate?: string;
  readonly region?: string;
  readonly service?: string;
  readonly terminator?: string;
  readonly accessKeyId?: string;
  readonly secret?: string;
  readonly algorithm?: string;
  /** In the order given; default: every header that is signed, sorted. */
  readonly signedHeaders?: readonly string[];
  /** Default: by the body; null for no Content-Length. */
  readonly contentLength?: string | null;
  readonly host?: string;
  /** Applied to the value of Authorization. */
  readonly authorization?: (value: string) => string;
  /** Applied to the whole list of headers, Authorization included. */
  readonly bend?: (headers: readonly Header[]) => readonly Header[];
  /** Sent instead of the body that was hashed. */
  readonly sendBody?: string | Uint8Array;
  readonly version?: string;
}

export interface PresignedForgery extends Forgery {
  readonly expires?: string;
  /** Applied to the signed parameters before they are signed. */
  readonly parameters?: (parameters: readonly Header[]) => readonly Header[];
}

export const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();

const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => '%' + c.charCodeAt(0).toString(16).toUpperCase());

/** A request signed in its headers. */
export function forge(port: number, f: Forgery = {}): Buffer {
  const amzDate = f.amzDate === undefined ? toAmzDate(f.at ?? new Date()) : f.amzDate;
  const payloadHash = f.payloadHash ?? sha256(f.body ?? '');
  const signed: Header[] = [
    ['Host', f.host ?? `127.0.0.1:${String(port)}`],
    ...(f.headers ?? []),
    ...(amzDate === null ? [] : [['x-amz-date', amzDate] as const]),
    ['x-amz-content-sha256', payloadHash],
  ];
  const { scope, signature, names } = toSignature(f, signed, f.query ?? '', payloadHash, amzDate ?? '');
  const value =
    `${f.algorithm ?? 'AWS4-HMAC-SHA256'} Credential=${f.accessKeyId ?? TEST_CREDENTIALS.accessKeyId}/${scope}, ` +
    `SignedHeaders=${names}, Signature=${signature}`;
  return print(f, f.query ?? '', [...signed, ['Authorization', f.authorization?.(value) ?? value]]);
}

/** A request signed in its query. */
export function forgePresigned(port: number, f: PresignedForgery = {}): Buffer {
  const amzDate = f.amzDate === undefined || f.amzDate === null ? toAmzDate(f.at ?? new Date()) : f.amzDate;
  const signed: Header[] = [['Host', f.host ?? `127.0.0.1:${String(port)}`], ...(f.headers ?? [])];
  const names = toNames(f, signed);
  const own: readonly Header[] = [
    ['X-Amz-Algorithm', f.algorithm ?? 'AWS4-HMAC-SHA256'],
    ['X-Amz-Credential', `${f.accessKeyId ?? TEST_CREDENTIALS.accessKeyId}/${toScope(f, amzDate)}`],
    ['X-Amz-Date', amzDate],
    ['X-Amz-Expires', f.expires ?? '60'],
    ['X-Amz-SignedHeaders', names],
  ];
  const asked = (f.query ?? '').split('&').filter((piece) => piece !== '');
  const bent = (f.parameters?.(own) ?? own).map(([name, value]) => `${encode(name)}=${encode(value)}`);
  const pieces = [...asked, ...bent].sort();
  const payloadHash = f.payloadHash ?? 'UNSIGNED-PAYLOAD';
  const { signature } = toSignature(f, signed, pieces.join('&'), payloadHash, amzDate);
  return print(f, [...pieces, `X-Amz-Signature=${signature}`].join('&'), signed);
}

const toNames = (f: Forgery, signed: readonly Header[]): string =>
  (f.signedHeaders ?? [...new Set(signed.map(([name]) => name.toLowerCase()))].sort()).join(';');

const toScope = (f: Forgery, amzDate: string): string =>
  `${f.scopeDate ?? (amzDate || toAmzDate(new Date())).slice(0, 8)}/${f.region ?? 'us-east-1'}/${f.service ?? 's3'}/${f.terminator ?? 'aws4_request'}`;

function toSignature(
  f: Forgery,
  signed: readonly Header[],
  query: string,
  payloadHash: string,
  amzDate: string,
): { scope: string; signature: string; names: string } {
  const names = toNames(f, signed);
  const lines = names.split(';').map((name) => {
    const values = signed.filter(([one]) => one.toLowerCase() === name.toLowerCase()).map(([, value]) => value.trim());
    return `${name}:${values.join(',').replace(/\s+/g, ' ')}\n`;
  });
  const canonical = [
    f.signedMethod ?? f.method ?? 'GET',
    f.canonicalPath ?? f.path ?? '/bucket/key',
    query,
    lines.join(''),
    names,
    payloadHash,
  ].join('\n');
  const scope = toScope(f, amzDate);
  const [date = '', region = '', service = '', terminator = ''] = scope.split('/');
  const key = [date, region, service, terminator].reduce<string | Buffer>(
    (seed, part) => hmac(seed, part),
    `AWS4${f.secret ?? TEST_CREDENTIALS.secretAccessKey}`,
  );
  const text = [f.algorithm ?? 'AWS4-HMAC-SHA256', f.signedAt ?? amzDate, scope, sha256(canonical)].join('\n');
  return { scope, signature: hmac(key, text).toString('hex'), names };
}

function print(f: Forgery, query: string, headers: readonly Header[]): Buffer {
  const body = Buffer.from(f.sendBody ?? f.body ?? '');
  const method = f.method ?? 'GET';
  const length =
    f.contentLength === null ||
    (f.contentLength === undefined && body.length === 0 && !['PUT', 'POST'].includes(method))
      ? []
      : [['Content-Length', f.contentLength ?? String(body.length)] as const];
  const all = [...headers, ...(f.unsignedHeaders ?? []), ...length];
  const target = [query, f.unsignedQuery ?? ''].filter((part) => part !== '').join('&');
  const head =
    `${method} ${f.path ?? '/bucket/key'}${target === '' ? '' : `?${target}`} ${f.version ?? 'HTTP/1.1'}\r\n` +
    (f.bend?.(all) ?? all).map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.concat([Buffer.from(`${head}\r\n`, 'latin1'), body]);
}
