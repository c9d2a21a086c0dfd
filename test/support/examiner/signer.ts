/**
 * A signer of the examiner's own, apart from sigv4/ and from the table of known mutations: each of its steps can be bent. Unbent it
 * agrees with aws4 and with @smithy/signature-v4 (see explain-held-back.test.ts).
 */
import { createHash, createHmac } from 'node:crypto';
export const sha = (b: string | Buffer) => createHash('sha256').update(b).digest('hex');
export const hmac = (k: string | Buffer, d: string) => createHmac('sha256', k).update(d, 'utf8').digest();
export const AK = 'AKIDEXAMINER00000001';
export const SK = 'exAmin3r/SecretKey+With/Slashes0000000Ab';
export const TOKEN = 'FwoGZXIvYXdzEXAMINERtoken/with+plus/and==';
export type H = [string, string][];
export interface Request {
  method: string;
  target: string;
  headers: H;
  body: Buffer;
}
export const percentEncode = (s: string | Buffer) =>
  [...Buffer.from(s as string)]
    .map((b) =>
      /[A-Za-z0-9\-._~]/.test(String.fromCharCode(b))
        ? String.fromCharCode(b)
        : '%' + b.toString(16).toUpperCase().padStart(2, '0'),
    )
    .join('');
export const percentDecode = (s: string) => {
  const out: number[] = [];
  const b = Buffer.from(s, 'utf8');
  for (let i = 0; i < b.length; i++) {
    const h = b.subarray(i + 1, i + 3).toString('latin1');
    if (b[i] === 37 && /^[0-9a-fA-F]{2}$/.test(h)) {
      out.push(parseInt(h, 16));
      i += 2;
    } else out.push(b[i]!);
  }
  return Buffer.from(out);
};
export const get = (r: Request, n: string) => r.headers.filter(([k]) => k.toLowerCase() === n).map(([, v]) => v);
export interface Knobs {
  method?: (m: string) => string;
  path?: (p: string, r: Request) => string;
  query?: (pairs: [string, string][], canon: string, r: Request) => string;
  headerLines?: (lines: string[], r: Request, names: string[]) => string;
  names?: (n: string[]) => string;
  payload?: (h: string, r: Request) => string;
  canonical?: (c: string) => string;
  sts?: (s: string, c: string) => string;
  secret?: string;
  keyParts?: (d: string, r: string, s: string) => string[];
  key?: (k: Buffer, ctx: { date: string; region: string; service: string; secret: string }) => Buffer | string;
  sig?: (h: string) => string;
  mac?: (k: Buffer | string, s: string) => string;
}
export interface Plan {
  region: string;
  service: string;
  amzDate: string;
  signed: string[];
  presign?: { expires: number; token?: string };
  token?: string;
  s3?: boolean;
}
export const splitTarget = (t: string): [string, string] => {
  const i = t.indexOf('?');
  return i < 0 ? [t, ''] : [t.slice(0, i), t.slice(i + 1)];
};
export const canonPath = (p: string, s3: boolean) => {
  const d =
    p
      .split('/')
      .map((seg) => percentEncode(percentDecode(seg)))
      .join('/') || '/';
  return s3 ? d : d.split('/').map(percentEncode).join('/');
};
export const pairsOf = (q: string): [string, string][] =>
  q === ''
    ? []
    : q
        .split('&')
        .filter((x) => x !== '')
        .map((kv) => {
          const i = kv.indexOf('=');
          const [k, v] = i < 0 ? [kv, ''] : [kv.slice(0, i), kv.slice(i + 1)];
          const e = (x: string) => percentEncode(percentDecode(x));
          return [e(k), e(v)];
        });
const cmp = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
export const canonQuery = (pairs: [string, string][]) =>
  pairs
    .filter(([k]) => k !== 'X-Amz-Signature')
    .sort((a, b) => cmp(a[0], b[0]) || cmp(a[1], b[1]))
    .map(([k, v]) => `${k}=${v}`)
    .join('&');
export function canonicalOf(r: Request, names: string[], k: Knobs = {}, s3 = true, presigned = false): string {
  const [p, q] = splitTarget(r.target);
  const path = k.path ? k.path(p, r) : canonPath(p, s3);
  const pairs = pairsOf(q);
  const query = k.query ? k.query(pairs, canonQuery(pairs), r) : canonQuery(pairs);
  const lines = names.map(
    (n) =>
      `${n}:${get(r, n)
        .map((v) => v.trim().replace(/ +/g, ' '))
        .join(',')}`,
  );
  const head = k.headerLines ? k.headerLines(lines, r, names) : lines.map((l) => l + '\n').join('');
  const hash = get(r, 'x-amz-content-sha256')[0] ?? (presigned ? 'UNSIGNED-PAYLOAD' : sha(r.body));
  const c = [
    k.method ? k.method(r.method) : r.method,
    path,
    query,
    head,
    k.names ? k.names(names) : names.join(';'),
    k.payload ? k.payload(hash, r) : hash,
  ].join('\n');
  return k.canonical ? k.canonical(c) : c;
}
export interface Signed {
  req: Request;
  canonical: string;
  sts: string;
  signature: string;
  plan: Plan;
}
/** Signs r by plan with knobs; header or query form. */
export function sign(r0: Request, plan: Plan, k: Knobs = {}): Signed {
  const r: Request = { ...r0, headers: [...r0.headers] };
  const names = [...plan.signed].map((n) => n.toLowerCase()).sort();
  const s3 = plan.s3 ?? plan.service.toLowerCase() === 's3';
  const date = plan.amzDate.slice(0, 8);
  const scope = `${date}/${plan.region}/${plan.service}/aws4_request`;
  if (plan.presign) {
    const q = [
      `X-Amz-Algorithm=AWS4-HMAC-SHA256`,
      `X-Amz-Credential=${percentEncode(`${AK}/${scope}`)}`,
      `X-Amz-Date=${plan.amzDate}`,
      `X-Amz-Expires=${plan.presign.expires}`,
      `X-Amz-SignedHeaders=${percentEncode(names.join(';'))}`,
    ];
    if (plan.presign.token) q.push(`X-Amz-Security-Token=${percentEncode(plan.presign.token)}`);
    r.target += (r.target.includes('?') ? '&' : '?') + q.join('&');
  }
  const canonical = canonicalOf(r, names, k, s3, plan.presign !== undefined);
  const good = `AWS4-HMAC-SHA256\n${plan.amzDate}\n${scope}\n${sha(canonical)}`;
  const sts = k.sts ? k.sts(good, canonical) : good;
  const secret = k.secret ?? SK;
  const parts = k.keyParts
    ? k.keyParts(date, plan.region, plan.service)
    : [date, plan.region, plan.service, 'aws4_request'];
  let key: Buffer | string = parts.reduce<Buffer | string>((kk, d) => hmac(kk, d), 'AWS4' + secret);
  if (k.key) key = k.key(key as Buffer, { date, region: plan.region, service: plan.service, secret });
  let signature = k.mac ? k.mac(key, sts) : hmac(key, sts).toString('hex');
  if (k.sig) signature = k.sig(signature);
  if (plan.presign) r.target += `&X-Amz-Signature=${signature}`;
  else
    r.headers.push([
      'Authorization',
      `AWS4-HMAC-SHA256 Credential=${AK}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
    ]);
  return { req: r, canonical, sts, signature, plan };
}
export const setH = (r: Request, n: string, v: string | null): Request => {
  let done = false;
  const headers: H = [];
  for (const [k, x] of r.headers) {
    if (k.toLowerCase() === n.toLowerCase()) {
      if (v !== null && !done) headers.push([k, v]);
      done = true;
    } else headers.push([k, x]);
  }
  if (!done && v !== null) headers.push([n, v]);
  return { ...r, headers };
};
