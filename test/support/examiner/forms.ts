/** The forms in which a person has a request: dump, curl command, HAR, debug log, the server's error document, URL. */
import { AK, canonicalOf, get, sha, type Request, type Signed } from './signer.ts';

export const raw = (r: Request) =>
  `${r.method} ${r.target} HTTP/1.1\r\n${r.headers.map(([k, v]) => `${k}: ${v}\r\n`).join('')}\r\n` +
  r.body.toString('utf8');
export const rawLf = (r: Request) =>
  raw({ ...r, body: Buffer.alloc(0) }).replace(/\r\n/g, '\n') + r.body.toString('utf8');
const q = (s: string) => `'${s.replace(/'/g, `'\\''`)}'`;
export const url = (r: Request, scheme = 'https') => `${scheme}://${get(r, 'host')[0]}${r.target}`;
export const curl = (r: Request) =>
  [
    `curl -X ${r.method} ${q(url(r))}`,
    ...r.headers
      .filter(([k]) => !['host', 'content-length'].includes(k.toLowerCase()))
      .map(([k, v]) => `-H ${q(`${k}: ${v}`)}`),
    ...(r.body.length ? [`--data-binary ${q(r.body.toString('utf8'))}`] : []),
  ].join(' \\\n  ');
export const har = (r: Request) =>
  JSON.stringify(
    {
      log: {
        version: '1.2',
        creator: { name: 'WebInspector', version: '537.36' },
        entries: [
          {
            startedDateTime: '2026-01-02T03:04:05.000Z',
            time: 12,
            request: {
              method: r.method,
              url: url(r),
              httpVersion: 'http/1.1',
              headers: r.headers.map(([name, value]) => ({ name, value })),
              queryString: [],
              cookies: [],
              headersSize: -1,
              bodySize: r.body.length,
              ...(r.body.length
                ? {
                    postData: {
                      mimeType: get(r, 'content-type')[0] ?? 'application/octet-stream',
                      text: r.body.toString('utf8'),
                    },
                  }
                : {}),
            },
            response: {
              status: 403,
              statusText: 'Forbidden',
              httpVersion: 'http/1.1',
              headers: [],
              cookies: [],
              content: { size: 0, mimeType: 'application/xml' },
              redirectURL: '',
              headersSize: -1,
              bodySize: -1,
            },
            cache: {},
            timings: { send: 1, wait: 1, receive: 1 },
          },
        ],
      },
    },
    null,
    2,
  );
export const log = (s: Signed) => {
  const t = '2026-01-02 03:04:05,678 - MainThread - botocore.auth - DEBUG - ';
  return `${t}Calculating signature using v4 auth.\n${t}CanonicalRequest:\n${s.canonical}\n${t}StringToSign:\n${s.sts}\n${t}Signature:\n${s.signature}\n2026-01-02 03:04:05,680 - MainThread - botocore.endpoint - DEBUG - Sending http request: <AWSPreparedRequest stream_output=False, method=${s.req.method}, url=${url(s.req)}, headers={${s.req.headers.map(([k, v]) => `'${k}': b'${v.replace(/'/g, "\\'")}'`).join(', ')}}>\n`;
};
const x = (s: string) => s.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
const bytes = (s: string) => [...Buffer.from(s)].map((b) => b.toString(16).padStart(2, '0')).join(' ');
export const xml = (arrived: Request, s: Signed, opt: { names?: string[]; canonical?: string; sts?: string } = {}) => {
  const s3 = s.plan.s3 ?? s.plan.service.toLowerCase() === 's3';
  const c =
    opt.canonical ?? canonicalOf(arrived, opt.names ?? [...s.plan.signed].sort(), {}, s3, s.plan.presign !== undefined);
  const date = s.plan.amzDate.slice(0, 8);
  const sts =
    opt.sts ??
    `AWS4-HMAC-SHA256\n${get(arrived, 'x-amz-date')[0] ?? /X-Amz-Date=(\w+)/.exec(arrived.target)?.[1] ?? s.plan.amzDate}\n${date}/${s.plan.region}/${s.plan.service}/aws4_request\n${sha(c)}`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>SignatureDoesNotMatch</Code><Message>The request signature we calculated does not match the signature you provided. Check your key and signing method.</Message><AWSAccessKeyId>${AK}</AWSAccessKeyId><StringToSign>${x(sts)}</StringToSign><SignatureProvided>${s.signature}</SignatureProvided><StringToSignBytes>${bytes(sts)}</StringToSignBytes><CanonicalRequest>${x(c)}</CanonicalRequest><CanonicalRequestBytes>${bytes(c)}</CanonicalRequestBytes><RequestId>4442587FB7D0A2F9</RequestId><HostId>abc=</HostId></Error>`;
};
