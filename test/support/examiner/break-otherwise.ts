/** Other services, scopes that no server takes, two breakages at once; and requests that are right. */
import { SK, TOKEN, percentDecode, percentEncode, setH, splitTarget } from './signer.ts';
import {
  HOST,
  onBody,
  onHeader,
  withSigned,
  onTarget,
  acceptEncoding,
  callApi,
  right,
  listing,
  buildRequest,
  download,
  planFor,
  unsigned,
  plan,
  toPresign,
  upload,
  misSign,
  callSts,
  change,
  type Breakage,
} from './breakage.ts';

export const BROKEN_OTHERWISE: readonly Breakage[] = [
  // Other services.
  misSign(
    'o-api-not-double',
    /twice|double|once/i,
    {
      path: (p) =>
        p
          .split('/')
          .map((x) => percentEncode(percentDecode(x)))
          .join('/'),
    },
    callApi('/prod/a%20b'),
    planFor('execute-api'),
  ),
  misSign('o-sts-service-s3', /service/i, {}, callSts(), { ...planFor('s3', 'content-type'), s3: false }),
  misSign(
    'd-sts-keypart-s3',
    /service/i,
    { keyParts: (d, r) => [d, r, 's3', 'aws4_request'] },
    callSts(),
    planFor('sts', 'content-type'),
  ),
  misSign(
    'o-sts-unsigned',
    /UNSIGNED|payload/i,
    { payload: () => 'UNSIGNED-PAYLOAD' },
    callSts(),
    planFor('sts', 'content-type'),
  ),
  change(
    'o-sts-charset-dropped',
    /content-type/i,
    callSts(),
    planFor('sts', 'content-type'),
    onHeader('Content-Type', 'application/x-www-form-urlencoded'),
  ),
  change(
    'o-body-reordered',
    /body|payload|hash/i,
    callSts(),
    planFor('sts', 'content-type'),
    onBody(() => 'Version=2011-06-15&Action=GetCallerIdentity'),
  ),
  // Scope faults that the signature agrees with.
  misSign('r-scope-region-host', /region/i, {}, download(), plan({ region: 'us-east-1' })),
  misSign('r-scope-date', /date/i, {}, download(undefined, [], { date: '20260103T000001Z' }), plan()),
  misSign('r-service-s3-upper', /service|case/i, {}, download(), plan({ service: 'S3', s3: true })),
  // Pairs.
  change(
    'x-port-and-ae',
    /port|accept-encoding/i,
    acceptEncoding('identity'),
    plan({ signed: withSigned('accept-encoding') }),
    (r) => setH(setH(r, 'Host', `${HOST}:443`), 'Accept-Encoding', 'gzip'),
  ),
  misSign(
    'x-unsorted-and-double',
    /sort|order|twice|double/i,
    {
      query: (p) =>
        p
          .map(([k, v]) => `${k}=${v}`)
          .join('&')
          .replace(/%/g, '%25'),
    },
    listing(),
  ),
  misSign('k-newline-and-region', /newline|line break|white|region/i, {
    secret: SK + '\n',
    keyParts: (d, _r, s) => [d, 'us-east-1', s, 'aws4_request'],
  }),
  misSign(
    'x-hex-lower-and-plus',
    /lower|hex|\+|plus/i,
    { path: (p) => p.replace(/%../g, (m) => m.toLowerCase()), query: (_p, c) => c.replace(/%20/g, '+') },
    buildRequest('GET', '/my-bucket/caf%C3%A9?response-content-type=a%20b'),
  ),
  change(
    'x-host-xfh-and-path-prefix',
    /host|path|prefix|canonical URI/i,
    download('/s3/my-bucket/a.txt', [], { host: 'files.example.com' }),
    plan(),
    (r) => ({
      ...setH(
        setH(setH(r, 'Host', 'minio:9000'), 'X-Forwarded-Host', 'files.example.com'),
        'X-Forwarded-Prefix',
        '/s3',
      ),
      target: '/my-bucket/a.txt',
    }),
  ),
  // Good.
  right('g-get', download(), plan()),
  right('g-list', listing(), plan()),
  right('g-put', upload(), plan({ signed: withSigned('content-type') })),
  right(
    'g-reordered-query',
    listing(),
    plan(),
    onTarget((t) => {
      const [p, q] = splitTarget(t);
      return `${p}?${q.split('&').reverse().join('&')}`;
    }),
  ),
  right('g-header-case-order', upload(), plan({ signed: withSigned('content-type') }), (r) => ({
    ...r,
    headers: r.headers
      .map(([k, v]) => [k.toUpperCase() === 'AUTHORIZATION' ? 'authorization' : k.toUpperCase(), v] as [string, string])
      .reverse(),
  })),
  right('g-extra-header', download(), plan(), (r) => setH(setH(r, 'X-Forwarded-For', '1.1.1.1'), 'Via', '1.1 varnish')),
  right(
    'g-spaces',
    upload([['x-amz-meta-note', 'a  b']]),
    plan({ signed: withSigned('x-amz-meta-note') }),
    onHeader('x-amz-meta-note', '  a b '),
  ),
  right('g-unsigned-payload', upload([], { hash: 'UNSIGNED-PAYLOAD' }), plan()),
  right('g-presigned', unsigned(), toPresign()),
  right('g-presigned-token', unsigned(), toPresign({ presign: { expires: 60, token: TOKEN } })),
  right(
    'g-percent-lower',
    download('/my-bucket/caf%C3%A9'),
    plan(),
    onTarget((t) => t.replace('%C3%A9', '%c3%a9')),
  ),
  right(
    'g-odd-key',
    download('/my-bucket/' + percentEncode("a//b/../c (1)+~!*'@:;=&$,.txt").replace(/%2F/g, '/')),
    plan(),
  ),
  right('g-sts', callSts(), planFor('sts', 'content-type')),
  right('g-api', callApi('/prod/a%20b'), planFor('execute-api')),
  right('g-uploads', buildRequest('POST', '/my-bucket/k?uploads'), plan()),
  right(
    'g-unencoded-parens',
    download('/my-bucket/a%281%29.txt'),
    plan(),
    onTarget((t) => t.replace('%28', '(').replace('%29', ')')),
  ),
];
