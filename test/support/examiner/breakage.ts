/** A way to break a request, and the requests that are broken: objects, listings, uploads, presigned URLs, other services. */
import { setH, sha, sign, type H, type Knobs, type Plan, type Request, type Signed } from './signer.ts';

export interface Breakage {
  readonly id: string;
  /** What the first sentence must name. */
  readonly want: RegExp;
  readonly signed: Signed;
  /** As it arrived. */
  readonly sent: Request;
  readonly kind: 'changed' | 'signer' | 'good' | 'secret';
  /** False where one side cannot tell what stood there before. */
  readonly canGuess: boolean;
  /** Absent: all. */
  readonly forms?: readonly string[];
}

export const AMZ_TIME = '20260102T030405Z';
export const HOST = 's3.eu-west-1.amazonaws.com';
export const plan = (o: Partial<Plan> = {}): Plan => ({
  region: 'eu-west-1',
  service: 's3',
  amzDate: AMZ_TIME,
  signed: ['host', 'x-amz-content-sha256', 'x-amz-date'],
  ...o,
});
export const buildRequest = (
  method: string,
  target: string,
  o: { host?: string; h?: H; body?: string | Buffer; hash?: string; date?: string } = {},
): Request => {
  const body = Buffer.from(o.body ?? '');
  return {
    method,
    target,
    body,
    headers: [
      ['Host', o.host ?? HOST],
      ...(o.h ?? []),
      ...(body.length ? [['Content-Length', String(body.length)] as [string, string]] : []),
      ['x-amz-content-sha256', o.hash ?? sha(body)],
      ['x-amz-date', o.date ?? AMZ_TIME],
    ],
  };
};
export const BODY = '{\n  "name": "report",\n  "tags": ["a", "b"]\n}\n';
export const upload = (h: H = [], o: Parameters<typeof buildRequest>[2] = {}) =>
  buildRequest('PUT', '/my-bucket/2026/report%20final.json', {
    h: [['Content-Type', 'application/json'], ...h],
    body: BODY,
    ...o,
  });
export const download = (t = '/my-bucket/photos/cat.jpg', h: H = [], o: Parameters<typeof buildRequest>[2] = {}) =>
  buildRequest('GET', t, { h, ...o });
export const listing = (q = 'list-type=2&prefix=summer%20trip%2Fday&delimiter=%2F') =>
  buildRequest('GET', `/my-bucket?${q}`);
export const withSigned = (...n: string[]) => ['host', 'x-amz-content-sha256', 'x-amz-date', ...n];
export function change(
  id: string,
  want: RegExp,
  r: Request,
  p: Plan,
  alter: (r: Request, s: Signed) => Request,
  o: { guess?: boolean; forms?: string[] } = {},
): Breakage {
  const s = sign(r, p);
  return {
    id,
    want,
    signed: s,
    sent: alter({ ...s.req, headers: [...s.req.headers] }, s),
    kind: 'changed',
    canGuess: o.guess ?? true,
    ...(o.forms ? { forms: o.forms } : {}),
  };
}
export function misSignRequest(
  id: string,
  want: RegExp,
  r: Request,
  p: Plan,
  k: Knobs,
  o: { kind?: 'signer' | 'secret'; forms?: string[] } = {},
): Breakage {
  const s = sign(r, p, k);
  return {
    id,
    want,
    signed: s,
    sent: s.req,
    kind: o.kind ?? 'signer',
    canGuess: true,
    ...(o.forms ? { forms: o.forms } : {}),
  };
}
export const right = (id: string, r: Request, p: Plan, alter: (r: Request) => Request = (x) => x): Breakage => {
  const s = sign(r, p);
  return { id, want: /holds/, signed: s, sent: alter(s.req), kind: 'good', canGuess: true };
};
export const onTarget = (f: (t: string) => string) => (r: Request) => ({ ...r, target: f(r.target) });
export const onBody = (f: (b: string) => string | Buffer) => (r: Request) => {
  const body = Buffer.from(f(r.body.toString('utf8')));
  return setH({ ...r, body }, 'Content-Length', body.length ? String(body.length) : null);
};
export const onHeader = (n: string, v: string | null) => (r: Request) => setH(r, n, v);

export const acceptEncoding = (v: string) => download(undefined, [['Accept-Encoding', v]]);
export const toPresign = (o: Partial<Plan> = {}) => plan({ signed: ['host'], presign: { expires: 3600 }, ...o });
export const unsigned = (t = '/my-bucket/photos/cat.jpg', host = HOST): Request => ({
  method: 'GET',
  target: t,
  headers: [['Host', host]],
  body: Buffer.alloc(0),
});
export const misSign = (
  id: string,
  want: RegExp,
  k: Knobs,
  r = download(),
  p = plan(),
  o: { forms?: string[] } = {},
): Breakage => misSignRequest(id, want, r, p, k, o);
export const callSts = (h: H = []): Request => ({
  method: 'POST',
  target: '/',
  body: Buffer.from('Action=GetCallerIdentity&Version=2011-06-15'),
  headers: [
    ['Host', 'sts.eu-west-1.amazonaws.com'],
    ['Content-Type', 'application/x-www-form-urlencoded; charset=utf-8'],
    ['X-Amz-Date', AMZ_TIME],
    ...h,
  ],
});
export const callApi = (t: string): Request => ({
  method: 'GET',
  target: t,
  body: Buffer.alloc(0),
  headers: [
    ['Host', 'abc123.execute-api.eu-west-1.amazonaws.com'],
    ['X-Amz-Date', AMZ_TIME],
  ],
});
export const planFor = (service: string, ...n: string[]) =>
  plan({ service, s3: false, signed: ['host', 'x-amz-date', ...n] });
