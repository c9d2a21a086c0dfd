/** Signers that go wrong: with the secret, the key, the string to sign, the canonical request. */
import { createHash, createHmac } from 'node:crypto';
import { AK, SK, TOKEN, canonQuery, percentDecode, percentEncode, get, hmac, sha } from './signer.ts';
import {
  AMZ_TIME,
  HOST,
  withSigned,
  listing,
  buildRequest,
  download,
  plan,
  upload,
  misSignRequest,
  misSign,
  type Breakage,
} from './breakage.ts';

const signWith = (id: string, want: RegExp, secret: string) =>
  misSignRequest(id, want, download(), plan(), { secret }, { kind: 'secret' });

export const BROKEN_SIGNERS: readonly Breakage[] = [
  // Secrets.
  signWith('k-newline', /newline|line break|white|\\n/i, SK + '\n'),
  signWith('k-crlf', /newline|carriage|CR|\\r|white/i, SK + '\r\n'),
  signWith('k-cr', /carriage|CR|\\r|white/i, SK + '\r'),
  signWith('k-space-lead', /space|blank|white/i, ' ' + SK),
  signWith('k-space-trail', /space|blank|white/i, SK + ' '),
  signWith('k-dquotes', /quot/i, `"${SK}"`),
  signWith('k-squotes', /quot/i, `'${SK}'`),
  signWith('k-urlencoded', /encod|%/i, encodeURIComponent(SK)),
  signWith('k-plus-space', /\+|plus|space|decod/i, SK.replace(/\+/g, ' ')),
  signWith('k-lower', /case|lower/i, SK.toLowerCase()),
  signWith('k-base64', /base64/i, Buffer.from(SK).toString('base64')),
  signWith('k-bom', /BOM|byte order|invisible/i, '\ufeff' + SK),
  signWith('k-is-key-id', /key id|access key/i, AK),
  signWith('k-empty', /empty/i, ''),
  signWith('k-undefined', /undefined|null|None|empty|missing/i, 'undefined'),
  signWith('k-truncated-slash', /cut|truncat|\/|part|short/i, SK.split('/')[0]!),
  signWith('k-truncated-1', /cut|truncat|short|last character/i, SK.slice(0, -1)),
  signWith('k-backslash', /backslash|escap|\\/i, SK.replace(/\//g, '\\/')),
  signWith('k-nbsp', /invisible|space|NBSP|white/i, SK + '\u00a0'),
  signWith('k-env-name', /variable|\$|placeholder|literal|name/i, '$AWS_SECRET_ACCESS_KEY'),
  // Derivation and string to sign.
  misSign('d-no-aws4', /AWS4/, {
    key: (_k, c) =>
      [c.date, c.region, c.service, 'aws4_request'].reduce<Buffer | string>((x, d) => hmac(x, d), c.secret),
  }),
  misSign('d-hex-key', /hex/i, {
    key: (_k, c) =>
      [c.date, c.region, c.service, 'aws4_request'].reduce<string>(
        (x, d) => hmac(x, d).toString('hex'),
        'AWS4' + c.secret,
      ),
  }),
  misSign('d-hex-last', /hex/i, { key: (k) => k.toString('hex') }),
  misSign('d-swapped', /order|region.*service|service.*region/i, { keyParts: (d, r, s) => [d, s, r, 'aws4_request'] }),
  misSign('d-no-terminator', /aws4_request/i, { keyParts: (d, r, s) => [d, r, s] }),
  misSign('d-full-date', /date/i, { keyParts: (_d, r, s) => [AMZ_TIME, r, s, 'aws4_request'] }),
  misSign('d-yesterday', /date|yesterday|day/i, { keyParts: (_d, r, s) => ['20260101', r, s, 'aws4_request'] }),
  misSign('d-tomorrow', /date|day/i, { keyParts: (_d, r, s) => ['20260103', r, s, 'aws4_request'] }),
  misSign('d-region-useast1', /region/i, { keyParts: (d, _r, s) => [d, 'us-east-1', s, 'aws4_request'] }),
  misSign('d-region-empty', /region/i, { keyParts: (d, _r, s) => [d, '', s, 'aws4_request'] }),
  misSign('d-region-az', /region/i, { keyParts: (d, _r, s) => [d, 'eu-west-1a', s, 'aws4_request'] }),
  misSign('d-service-upper', /service/i, { keyParts: (d, r) => [d, r, 'S3', 'aws4_request'] }),
  misSign('d-service-other', /service/i, { keyParts: (d, r) => [d, r, 'execute-api', 'aws4_request'] }),
  misSign('d-service-express', /service/i, { keyParts: (d, r) => [d, r, 's3express', 'aws4_request'] }),
  misSign('d-args-swapped', /argument|swapped|key and|HMAC/i, {
    key: (_k, c) =>
      [c.date, c.region, c.service, 'aws4_request'].reduce<Buffer | string>(
        (x, d) =>
          createHmac('sha256', d)
            .update(x as Buffer)
            .digest(),
        'AWS4' + c.secret,
      ),
  }),
  misSign('d-raw-secret', /deriv|signing key|secret/i, { key: (_k, c) => c.secret }),
  misSign('d-raw-aws4secret', /deriv|signing key|secret/i, { key: (_k, c) => 'AWS4' + c.secret }),
  misSign(
    'd-sha1',
    /sha-?1|sha1/i,
    { mac: (k, s) => createHmac('sha1', k).update(s).digest('hex') },
    undefined,
    undefined,
  ),
  misSign('d-sig-base64', /base64/i, { mac: (k, s) => createHmac('sha256', k).update(s).digest('base64') }),
  misSign('d-sig-upper', /upper|lower|case/i, { sig: (h) => h.toUpperCase() }),
  misSign('s-no-algorithm', /algorithm|first line/i, { sts: (s) => s.split('\n').slice(1).join('\n') }),
  misSign('s-crlf', /CRLF|\\r|line/i, { sts: (s) => s.replace(/\n/g, '\r\n') }),
  misSign('s-trailing-newline', /newline|line break|ends/i, { sts: (s) => s + '\n' }),
  misSign('s-raw-canonical', /hash/i, { sts: (s, c) => s.split('\n').slice(0, 3).concat(c).join('\n') }),
  misSign('s-upper-hash', /upper|lower|case/i, {
    sts: (s) => {
      const l = s.split('\n');
      l[3] = l[3]!.toUpperCase();
      return l.join('\n');
    },
  }),
  misSign('s-iso-date', /date|ISO/i, { sts: (s) => s.replace(AMZ_TIME, '2026-01-02T03:04:05Z') }),
  misSign('s-short-date', /date/i, { sts: (s) => s.replace(AMZ_TIME, '20260102') }),
  misSign('s-scope-no-terminator', /scope|aws4_request/i, { sts: (s) => s.replace('/aws4_request', '') }),
  misSign('s-scope-with-key', /scope|credential|access key/i, {
    sts: (s) => s.replace('20260102/eu', `${AK}/20260102/eu`),
  }),
  misSign('s-scope-date-yesterday', /date|scope/i, { sts: (s) => s.replace('20260102/', '20260101/') }),
  misSign('s-time-other', /date|time/i, { sts: (s) => s.replace(AMZ_TIME, '20260102T030406Z') }),
  misSign('s-millis', /date|milli/i, { sts: (s) => s.replace(AMZ_TIME, '20260102T030405.000Z') }),
  misSign('s-literal-backslash-n', /\\n|newline|literal|line/i, { sts: (s) => s.replace(/\n/g, '\\n') }),
  // Canonical request.
  misSign('c-no-blank-line', /blank|empty line|newline|line break/i, {
    headerLines: (l) =>
      l
        .map((x) => x + '\n')
        .join('')
        .replace(/\n$/, ''),
  }),
  misSign('c-extra-blank', /blank|empty line|newline/i, { headerLines: (l) => l.map((x) => x + '\n').join('') + '\n' }),
  misSign('c-trailing-newline', /newline|line break|ends/i, { canonical: (c) => c + '\n' }),
  misSign('c-crlf', /CRLF|\\r/i, { canonical: (c) => c.replace(/\n/g, '\r\n') }),
  misSign(
    'c-header-names-case',
    /case|lower/i,
    {
      headerLines: (l) =>
        l
          .map(
            (x) =>
              x.replace(/^[^:]*/, (nm) =>
                nm.replace(/^(\w)/, (m) => m.toUpperCase()).replace(/-(\w)/g, (m) => m.toUpperCase()),
              ) + '\n',
          )
          .join(''),
    },
    upload(),
    plan({ signed: withSigned('content-type') }),
  ),
  misSign(
    'c-headers-unsorted',
    /order|sort/i,
    {
      headerLines: (l) =>
        [...l]
          .reverse()
          .map((x) => x + '\n')
          .join(''),
    },
    upload(),
    plan({ signed: withSigned('content-type') }),
  ),
  misSign(
    'c-signedheaders-unsorted',
    /order|sort/i,
    { names: (n) => [...n].reverse().join(';') },
    upload(),
    plan({ signed: withSigned('content-type') }),
  ),
  misSign('c-header-space', /space|trim/i, { headerLines: (l) => l.map((x) => x.replace(':', ': ') + '\n').join('') }),
  misSign(
    'c-inner-spaces',
    /space/i,
    {
      headerLines: (l, r) =>
        l
          .map((x) => (x.startsWith('x-amz-meta-note') ? `x-amz-meta-note:${get(r, 'x-amz-meta-note')[0]}` : x) + '\n')
          .join(''),
    },
    upload([['x-amz-meta-note', 'two  spaces   here']]),
    plan({ signed: withSigned('x-amz-meta-note') }),
  ),
  misSign('c-host-missing', /host/i, {
    headerLines: (l) =>
      l
        .filter((x) => !x.startsWith('host:'))
        .map((x) => x + '\n')
        .join(''),
  }),
  misSign('c-host-with-scheme', /host|scheme|https/i, {
    headerLines: (l) => l.map((x) => x.replace('host:', 'host:https://') + '\n').join(''),
  }),
  misSign('c-host-port-443', /port/i, {
    headerLines: (l) => l.map((x) => (x.startsWith('host:') ? x + ':443' : x) + '\n').join(''),
  }),
  misSign('c-signedheaders-comma', /semicolon|signed.?headers|;/i, { names: (n) => n.join(',') }),
  misSign('c-signedheaders-spaces', /space|signed.?headers/i, { names: (n) => n.join('; ') }),
  misSign('c-signedheaders-trailing', /semicolon|signed.?headers|;/i, { names: (n) => n.join(';') + ';' }),
  misSign('c-signedheaders-case', /case|lower/i, {
    names: (n) =>
      n.map((x) => x.replace(/^(\w)/, (m) => m.toUpperCase()).replace(/-(\w)/g, (m) => m.toUpperCase())).join(';'),
  }),
  misSign('c-method-lower', /method|case|lower/i, { method: (m) => m.toLowerCase() }),
  misSign('c-path-no-slash', /slash|path|URI/i, { path: (p) => p.slice(1) }),
  misSign(
    'c-path-double-encoded',
    /twice|double/i,
    {
      path: (p) =>
        p
          .split('/')
          .map((x) => percentEncode(x))
          .join('/'),
    },
    download('/my-bucket/summer%20trip.jpg'),
  ),
  misSign(
    'c-path-unencoded',
    /encod/i,
    { path: (p) => percentDecode(p).toString() },
    download('/my-bucket/summer%20trip.jpg'),
  ),
  misSign('c-path-slash-encoded', /%2F|slash/i, { path: (p) => '/' + percentEncode(percentDecode(p.slice(1))) }),
  misSign(
    'c-path-lower-hex',
    /lower|upper|hex/i,
    { path: (p) => p.replace(/%../g, (m) => m.toLowerCase()) },
    download('/my-bucket/caf%C3%A9.txt'),
  ),
  misSign('c-path-plus-raw', /\+|plus/i, { path: (p) => p.replace('%2B', '+') }, download('/my-bucket/a%2Bb.txt')),
  misSign(
    'c-path-at-raw',
    /@|encod|reserved/i,
    { path: (p) => p.replace('%40', '@') },
    download('/my-bucket/a%40b.txt'),
  ),
  misSign(
    'c-path-colon-raw',
    /:|encod|reserved/i,
    { path: (p) => p.replace('%3A', ':') },
    download('/my-bucket/2%3Aa.txt'),
  ),
  misSign(
    'c-path-parens-raw',
    /\(|encodeURI|reserved|encod/i,
    { path: () => "/my-bucket/a(1)!*'.txt" },
    download('/my-bucket/a%281%29%21%2A%27.txt'),
  ),
  misSign(
    'c-path-parens-only',
    /\(|encodeURI|reserved|encod/i,
    { path: () => '/my-bucket/a(1).txt' },
    download('/my-bucket/a(1).txt'),
  ),
  misSign('c-path-tilde', /~|%7E|tilde/i, { path: (p) => p.replace('~', '%7E') }, download('/my-bucket/~home/a.txt')),
  misSign(
    'c-path-space-plus',
    /\+|plus|space/i,
    { path: (p) => p.replace('%20', '+') },
    download('/my-bucket/summer%20trip.jpg'),
  ),
  misSign('c-path-query-left', /quer/i, { path: (p, r) => r.target }, listing()),
  misSign('c-path-full-url', /URL|host|scheme/i, { path: (p) => `https://${HOST}${p}` }),
  misSign('c-path-no-bucket', /bucket/i, { path: (p) => p.replace('/my-bucket', '') }),
  misSign(
    'c-path-with-bucket',
    /bucket/i,
    { path: (p) => '/my-bucket' + p },
    download('/cat.jpg', [], { host: 'my-bucket.' + HOST }),
  ),
  misSign(
    'c-path-normalised',
    /\/\/|slash|normal/i,
    { path: (p) => p.replace('//', '/') },
    download('/my-bucket/a//b.txt'),
  ),
  misSign('c-path-dots', /dot|normal|\.\./i, { path: () => '/my-bucket/b.txt' }, download('/my-bucket/a/../b.txt')),
  misSign('c-path-empty', /empty|slash|path/i, { path: () => '' }, download('/')),
  misSign('c-query-unsorted', /sort|order/i, { query: (p) => p.map(([k, v]) => `${k}=${v}`).join('&') }, listing()),
  misSign(
    'c-query-sort-ci',
    /sort|order|case/i,
    {
      query: (p) =>
        [...p]
          .sort((a, b) => (a[0].toLowerCase() < b[0].toLowerCase() ? -1 : 1))
          .map(([k, v]) => `${k}=${v}`)
          .join('&'),
    },
    buildRequest('GET', '/my-bucket/k?uploadId=1&partNumber=2&Zeta=1'),
  ),
  misSign('c-query-missing', /quer/i, { query: () => '' }, listing()),
  misSign(
    'c-query-uploads-no-eq',
    /=|uploads/i,
    { query: () => 'uploads' },
    buildRequest('POST', '/my-bucket/big.bin?uploads'),
  ),
  misSign('c-query-raw', /encod/i, { query: (_p, c) => decodeURIComponent(c) }, listing()),
  misSign('c-query-slash-raw', /\/|%2F|encod/i, { query: (_p, c) => c.replace(/%2F/g, '/') }, listing()),
  misSign('c-query-double', /twice|double/i, { query: (_p, c) => c.replace(/%/g, '%25') }, listing()),
  misSign('c-query-plus', /\+|plus|space/i, { query: (_p, c) => c.replace(/%20/g, '+') }, listing()),
  misSign('c-query-qmark', /\?|question/i, { query: (_p, c) => '?' + c }, listing()),
  misSign(
    'c-query-lower-hex',
    /lower|upper|hex/i,
    { query: (_p, c) => c.replace(/%../g, (m) => m.toLowerCase()) },
    listing(),
  ),
  misSign(
    'c-query-star-raw',
    /\*|encodeURI|reserved|encod/i,
    { query: (_p, c) => c.replace(/%2A/g, '*') },
    listing('list-type=2&prefix=a%2Ab'),
  ),
  misSign(
    'c-query-empty-value-dropped',
    /empty|delimiter|quer/i,
    { query: (p) => canonQuery(p.filter(([, v]) => v !== '')) },
    listing('list-type=2&prefix=&delimiter=%2F'),
  ),
  misSign('c-payload-empty', /payload|body|hash/i, { payload: () => sha('') }, upload()),
  misSign('c-payload-unsigned', /UNSIGNED|payload/i, { payload: () => 'UNSIGNED-PAYLOAD' }, upload()),
  misSign('c-payload-upper', /upper|lower|case/i, { payload: (h) => h.toUpperCase() }, upload()),
  misSign('c-payload-base64', /base64/i, { payload: (h) => Buffer.from(h, 'hex').toString('base64') }, upload()),
  misSign('c-payload-missing', /payload|hash|last line/i, { payload: () => '' }, upload()),
  misSign('c-payload-raw', /payload|hash|body/i, { payload: (_h, r) => r.body.toString() }, upload()),
  misSign(
    'c-payload-md5',
    /md5|payload/i,
    { payload: (_h, r) => createHash('md5').update(r.body).digest('hex') },
    upload(),
  ),
  misSign(
    'c-payload-real-when-unsigned',
    /UNSIGNED|payload/i,
    { payload: (_h, r) => sha(r.body) },
    upload([], { hash: 'UNSIGNED-PAYLOAD' }),
  ),
  misSign(
    'c-payload-streaming-real',
    /STREAMING|payload/i,
    { payload: (_h, r) => sha(r.body) },
    upload([], { hash: 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD' }),
  ),
  misSign(
    'c-token-in-canonical-only',
    /token/i,
    {
      headerLines: (l) =>
        [...l, `x-amz-security-token:${TOKEN}`]
          .sort()
          .map((x) => x + '\n')
          .join(''),
      names: (n) => [...n, 'x-amz-security-token'].join(';'),
    },
    download(undefined, [['x-amz-security-token', TOKEN]]),
  ),
  misSign(
    'c-header-quoted',
    /quot|x-amz-meta-q|value/i,
    { headerLines: (l) => l.map((x) => x.replace(/^x-amz-meta-q:(.*)$/, 'x-amz-meta-q:"$1"') + '\n').join('') },
    upload([['x-amz-meta-q', 'v']]),
    plan({ signed: withSigned('x-amz-meta-q') }),
  ),
  misSign(
    'c-header-lowered-value',
    /value|case|lower/i,
    { headerLines: (l) => l.map((x) => x.toLowerCase() + '\n').join('') },
    upload([['x-amz-meta-q', 'MixedValue']]),
    plan({ signed: withSigned('x-amz-meta-q') }),
  ),
];
