/** What goes wrong with headers: their values, their order, their names, and who rewrites them on the way. */
import { SOURCES, valueOf, withHeader, withoutHeader, type Mutation, type Variant } from './mutation.ts';
import { parseAmz, printAmz } from './amz-time.ts';
import type { SigningInputs } from './signing-inputs.ts';

const changed = (before: SigningInputs, after: SigningInputs, detail?: string): Variant[] =>
  JSON.stringify(before.headers) === JSON.stringify(after.headers) && before.signedHeaders === after.signedHeaders
    ? []
    : [{ inputs: after, ...(detail !== undefined && { detail }) }];

/** The header with each of the values in turn. */
function* tryValues(inputs: SigningInputs, name: string, values: readonly string[]): Generator<Variant> {
  const now = valueOf(inputs, name);
  if (now === undefined) return;
  for (const value of new Set(values)) {
    if (value !== now) yield* changed(inputs, withHeader(inputs, name, value), `${name}: ${JSON.stringify(value)}`);
  }
}

const ENCODINGS = [
  'identity',
  'gzip',
  'gzip, deflate',
  'gzip, deflate, br',
  'gzip,deflate',
  'gzip, br',
  'deflate, gzip',
  'br, gzip, deflate',
  'gzip, deflate, br, zstd',
  '*',
  'amz-sdk-invocation-id',
  '',
];
/** What uploads are presigned with, most often. */
const MEDIA_TYPES = [
  ...['application/json', 'application/xml', 'application/pdf', 'application/zip', 'application/gzip'],
  ...['image/png', 'image/jpeg', 'image/jpg', 'image/gif', 'image/webp', 'image/svg+xml'],
  ...[
    'video/mp4',
    'video/webm',
    'audio/mpeg',
    'audio/wav',
    'text/plain',
    'text/csv',
    'text/html',
    'multipart/form-data',
  ],
];
const REGIONS_OF_HOSTS = ['us-east-1', 'us-west-2', 'eu-west-1', 'eu-central-1'];

export const HEADER_MUTATIONS: readonly Mutation[] = [
  {
    id: 'host-port',
    stage: 'canonical headers',
    culprit: 'Host was signed with another port than it arrived with',
    rule: 'Host is signed as it is sent: with the port unless it is the default of the scheme',
    source: SOURCES.canonicalRequest,
    mend: 'send and sign the same Host; in a proxy pass it through (nginx: proxy_set_header Host $http_host)',
    apply: function* (inputs) {
      const host = valueOf(inputs, 'host') ?? '';
      const bare = host.replace(/:\d+$/, '');
      yield* tryValues(inputs, 'host', [
        bare,
        ...['443', '80', '9000', '8080', '8443', '7480', '8333', '3900', '9001', '7070'].map(
          (port) => `${bare}:${port}`,
        ),
      ]);
    },
  },
  {
    id: 'host-rewritten',
    stage: 'canonical headers',
    culprit: 'Host was rewritten behind the signature',
    rule: 'the Host that is signed is the Host that the server verifies',
    source: SOURCES.canonicalRequest,
    mend: 'let the proxy pass Host through (nginx: proxy_set_header Host $http_host; Apache: ProxyPreserveHost On)',
    apply: function* (inputs, { request }) {
      const host = valueOf(inputs, 'host') ?? '';
      const port = /:\d+$/.exec(host)?.[0] ?? '';
      const forwarded = (request?.headers ?? [])
        .filter(([name]) => ['x-forwarded-host', 'x-original-host', 'x-host', 'forwarded'].includes(name.toLowerCase()))
        .map(([, value]) => /host="?([^";,]+)/.exec(value)?.[1] ?? value.trim());
      const { region } = inputs.scope;
      yield* tryValues(inputs, 'host', [
        ...forwarded,
        host.toLowerCase(),
        host.toUpperCase(),
        ...[
          'localhost',
          '127.0.0.1',
          's3.amazonaws.com',
          `s3.${region}.amazonaws.com`,
          `s3-${region}.amazonaws.com`,
          'minio',
          'backend',
          'upstream',
        ].flatMap((name) => [name, name + port]),
        ...REGIONS_OF_HOSTS.map((one) => `s3.${one}.amazonaws.com`),
        ...(host.includes('.') ? [host.slice(host.indexOf('.') + 1)] : []),
        host.replace(/\.(?=:|$)/, ''),
        host.replace(/(?=:|$)/, '.'),
        host.replace(/^www\./, ''),
        `www.${host}`,
        '',
      ]);
    },
  },
  {
    id: 'accept-encoding-rewritten',
    stage: 'canonical headers',
    culprit: 'Accept-Encoding was signed and then rewritten',
    rule: 'a signed header must arrive as it was signed; CDNs and proxies rewrite this one',
    source: SOURCES.http,
    mend: 'do not sign accept-encoding (rclone: --s3-sign-accept-encoding=false), or let the proxy leave it alone',
    apply: (inputs) => tryValues(inputs, 'accept-encoding', ENCODINGS),
  },
  {
    id: 'content-type-rewritten',
    stage: 'canonical headers',
    culprit: 'Content-Type was signed with another value than it arrived with',
    rule: 'a signed header must arrive as it was signed',
    source: SOURCES.canonicalRequest,
    mend: 'set Content-Type before signing, with or without its charset, and let nothing add one',
    apply: function* (inputs) {
      const type = valueOf(inputs, 'content-type') ?? '';
      const bare = type.split(';')[0]?.trim() ?? '';
      yield* tryValues(inputs, 'content-type', [
        bare,
        `${bare}; charset=utf-8`,
        `${bare};charset=utf-8`,
        `${bare}; charset=UTF-8`,
        `${bare};charset=UTF-8`,
        '',
        'application/octet-stream',
        'binary/octet-stream',
        'application/x-www-form-urlencoded',
        'application/x-www-form-urlencoded; charset=utf-8',
        'application/x-www-form-urlencoded; charset=UTF-8',
        'application/json',
        'application/xml',
        'text/plain',
        'text/plain; charset=utf-8',
        'text/plain;charset=UTF-8',
        ...MEDIA_TYPES,
        type.toLowerCase(),
      ]);
    },
  },
  {
    id: 'content-length-changed',
    stage: 'canonical headers',
    culprit: 'Content-Length was signed with another value than it arrived with',
    rule: 'a signed header must arrive as it was signed; proxies drop `Content-Length: 0` of a GET',
    source: SOURCES.http,
    mend: 'do not sign content-length, or let the proxy keep it',
    apply: function* (inputs, { body }) {
      yield* tryValues(inputs, 'content-length', ['0', '', ...(body === null ? [] : [String(body.length)])]);
    },
  },
  {
    id: 'date-differs',
    stage: 'canonical headers',
    culprit: 'the date among the headers is not the one that was signed',
    rule: 'x-amz-date among the headers and in the string to sign are one and the same',
    source: SOURCES.stringToSign,
    mend: 'take the time once, and sign and send that',
    apply: function* (inputs) {
      yield* tryValues(inputs, 'x-amz-date', [inputs.amzDate]);
      yield* tryValues(inputs, 'date', ['']);
    },
  },
  {
    id: 'date-rewritten',
    stage: 'canonical headers',
    culprit: 'the time of the request was changed behind the signature',
    rule: 'x-amz-date is signed, in its header line and in the string to sign',
    source: SOURCES.stringToSign,
    mend: 'let nothing set x-amz-date but the signer; a retry is signed anew',
    isAlone: true,
    apply: function* (inputs) {
      const at = parseAmz(inputs.amzDate);
      if (at === null) return;
      const inQuery = inputs.query.includes(`X-Amz-Date=${inputs.amzDate}`);
      const sameDay = (amzDate: string): boolean => amzDate.startsWith(inputs.scope.date);
      const nearSeconds = Array.from({ length: 300 }, (_, index) => (index % 2 === 0 ? 1 : -1) * (1 + (index >> 1)));
      const hours = Array.from({ length: 26 }, (_, index) => (index - 12) * 3600).filter((hour) => hour !== 0);
      for (const seconds of [...nearSeconds, ...hours]) {
        const amzDate = printAmz(at + seconds * 1000);
        if (!sameDay(amzDate)) continue;
        const query = inQuery ? inputs.query.replace(inputs.amzDate, amzDate) : inputs.query;
        yield { inputs: { ...withHeader(inputs, 'x-amz-date', amzDate), query, amzDate }, detail: `signed ${amzDate}` };
      }
    },
  },
  {
    id: 'header-order',
    stage: 'canonical headers',
    culprit: 'the headers were signed in the order in which they were sent',
    rule: 'header lines and the list of signed headers are sorted by lower-case name',
    source: SOURCES.canonicalRequest,
    mend: 'sort the lower-case names before writing the lines and the list',
    apply: function* (inputs, { request }) {
      const sent = (request?.headers ?? []).map(([name]) => name.toLowerCase());
      const rank = (name: string): number => (sent.includes(name) ? sent.indexOf(name) : sent.length);
      for (const lines of [
        [...inputs.headers].sort((a, b) => rank(a[0]) - rank(b[0])),
        [...inputs.headers].reverse(),
      ]) {
        const list = lines.map(([name]) => name).join(';');
        yield* changed(inputs, { ...inputs, headers: lines });
        yield* changed(inputs, { ...inputs, headers: lines, signedHeaders: list });
        yield* changed(inputs, { ...inputs, signedHeaders: list });
      }
    },
  },
  {
    id: 'header-name-case',
    stage: 'canonical headers',
    culprit: 'header names were signed in mixed case',
    rule: 'header names are written in lower case',
    source: SOURCES.canonicalRequest,
    mend: 'lower-case the names in the lines and in SignedHeaders',
    apply: function* (inputs, { request }) {
      const sent = new Map((request?.headers ?? []).map(([name]) => [name.toLowerCase(), name]));
      const title = (name: string): string => name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
      for (const print of [(name: string) => sent.get(name) ?? name, title]) {
        const headers = inputs.headers.map(([name, value]): readonly [string, string] => [print(name), value]);
        const list = inputs.signedHeaders.split(';').map(print).join(';');
        yield* changed(inputs, { ...inputs, headers });
        yield* changed(inputs, { ...inputs, headers, signedHeaders: list });
        yield* changed(inputs, { ...inputs, signedHeaders: list });
      }
    },
  },
  {
    id: 'header-spaces',
    stage: 'canonical headers',
    culprit: 'white space in a header value was not trimmed or collapsed, or was changed on the way',
    rule: 'values are trimmed, and runs of spaces inside become one',
    source: SOURCES.canonicalRequest,
    mend: 'trim and collapse white space before signing',
    apply: function* (inputs, { request }) {
      const raw = new Map((request?.headers ?? []).map(([name, value]) => [name.toLowerCase(), value]));
      const all = inputs.headers.map(([name, value]): readonly [string, string] => [name, raw.get(name) ?? value]);
      yield* changed(inputs, { ...inputs, headers: all });
      for (const [name, value] of inputs.headers) {
        const sent = raw.get(name) ?? value;
        yield* tryValues(inputs, name, [
          sent,
          sent.trim(),
          ` ${value}`,
          `${value} `,
          value.replaceAll(' ', '  '),
          value.replace(/ +/g, ' '),
          value.replaceAll(', ', ','),
          value.replaceAll(',', ', '),
          value.replaceAll('; ', ';'),
          value.replaceAll(';', '; '),
        ]);
      }
    },
  },
  {
    id: 'header-character-set',
    stage: 'canonical headers',
    culprit: 'a header value beyond ASCII was signed in another encoding or normal form',
    rule: 'header values are signed as the bytes that are sent',
    source: SOURCES.canonicalRequest,
    mend: 'send metadata in ASCII (percent- or RFC 2047-encoded), or sign the UTF-8 bytes that are sent',
    apply: function* (inputs) {
      for (const [name, value] of inputs.headers) {
        if (/^[\u0000-\u007f]*$/.test(value)) continue;
        const latin1 = [...new TextEncoder().encode(value)].map((byte) => String.fromCharCode(byte)).join('');
        yield* tryValues(inputs, name, [
          latin1,
          value.normalize('NFC'),
          value.normalize('NFD'),
          encodeURIComponent(value),
          value.replace(/[^\u0000-\u007f]/g, '?'),
          value.replace(/\u00a0/g, ' '),
        ]);
      }
    },
  },
  {
    id: 'header-dropped',
    stage: 'canonical headers',
    culprit: 'a header was signed with a value and arrived without one',
    rule: 'every signed header must arrive',
    source: SOURCES.canonicalRequest,
    mend: 'let nothing between client and server drop headers, or do not sign those that proxies drop',
    apply: function* (inputs, { request }) {
      const arrived = new Set((request?.headers ?? []).map(([name]) => name.toLowerCase()));
      const usual: Readonly<Record<string, readonly string[]>> = {
        'content-length': ['0'],
        'accept-encoding': ENCODINGS,
        'content-type': [
          'application/octet-stream',
          'binary/octet-stream',
          'application/x-www-form-urlencoded',
          'application/x-www-form-urlencoded; charset=utf-8',
          ...MEDIA_TYPES,
        ],
        expect: ['100-continue'],
        connection: ['keep-alive', 'close', 'Keep-Alive'],
        'transfer-encoding': ['chunked'],
        te: ['trailers', 'append-md5'],
        accept: ['*/*', 'application/json', 'application/xml'],
        'cache-control': ['no-cache'],
        pragma: ['no-cache'],
        'amz-sdk-request': ['attempt=1; max=3', 'attempt=1', 'attempt=1; max=5'],
        'x-amz-te': ['append-md5'],
        'content-encoding': ['aws-chunked', 'gzip'],
        'x-amz-content-sha256': [inputs.payloadHash],
        range: ['bytes=0-'],
        'if-none-match': ['*'],
        'if-match': ['*'],
        'x-amz-acl': ['private', 'public-read', 'bucket-owner-full-control'],
        'x-amz-checksum-mode': ['ENABLED'],
        'x-amz-storage-class': ['STANDARD', 'STANDARD_IA'],
        'x-amz-server-side-encryption': ['AES256', 'aws:kms'],
      };
      for (const [name, value] of inputs.headers) {
        if (value === '' && request !== null && !arrived.has(name)) yield* tryValues(inputs, name, usual[name] ?? []);
      }
    },
  },
  {
    id: 'header-not-signed',
    stage: 'signed headers',
    culprit: 'SignedHeaders lists a header that was left out of the canonical headers, or was empty when it was signed',
    rule: 'each name in SignedHeaders has its line, with the value that is sent',
    source: SOURCES.canonicalRequest,
    mend: 'add headers before signing; sign the lines and the list from the same set',
    apply: function* (inputs) {
      for (const [name] of inputs.headers) {
        if (name === 'x-amz-security-token') continue;
        if (name !== 'host') yield* changed(inputs, withoutHeader(inputs, name), name);
        yield* changed(
          inputs,
          { ...inputs, headers: inputs.headers.filter(([one]) => one !== name) },
          `${name} has no line`,
        );
        if (name !== 'host') yield* changed(inputs, withHeader(inputs, name, ''), `${name} was empty`);
      }
    },
  },
  {
    id: 'header-signed-but-not-listed',
    stage: 'signed headers',
    culprit: 'a header was signed that SignedHeaders does not list',
    rule: 'SignedHeaders lists each header that has a line, and no other',
    source: SOURCES.canonicalRequest,
    mend: 'write the list from the same set of headers as the lines',
    apply: function* (inputs, { request }) {
      for (const [sent, value] of request?.headers ?? []) {
        const name = sent.toLowerCase();
        if (name === 'authorization' || valueOf(inputs, name) !== undefined) continue;
        const headers = [...inputs.headers, [name, value.trim().replace(/ +/g, ' ')] as const].sort((a, b) =>
          a[0] < b[0] ? -1 : 1,
        );
        yield* changed(inputs, { ...inputs, headers, signedHeaders: headers.map(([one]) => one).join(';') }, name);
        yield* changed(inputs, { ...inputs, headers }, `${name}, but not in the list`);
      }
    },
  },
  {
    id: 'session-token-unsigned',
    stage: 'signed headers',
    culprit: 'the session token was added after signing, or signed and not sent',
    rule: 'x-amz-security-token is an x-amz- header and must be signed',
    source: SOURCES.s3,
    mend: 'set the token before signing; hand the signer all three parts of the credentials',
    apply: function* (inputs, { request }) {
      const token = (request?.headers ?? []).find(([name]) => name.toLowerCase() === 'x-amz-security-token')?.[1];
      if (valueOf(inputs, 'x-amz-security-token') !== undefined)
        yield* changed(inputs, withoutHeader(inputs, 'x-amz-security-token'));
      else if (token !== undefined) {
        const headers = [...inputs.headers, ['x-amz-security-token', token.trim()] as const].sort((a, b) =>
          a[0] < b[0] ? -1 : 1,
        );
        yield* changed(inputs, { ...inputs, headers, signedHeaders: headers.map(([one]) => one).join(';') });
      }
    },
  },
  {
    id: 'empty-line-missing',
    stage: 'canonical headers',
    culprit: 'the empty line between the canonical headers and the signed headers is missing',
    rule: 'each header line ends with a line feed, and one more follows the last',
    source: SOURCES.canonicalRequest,
    mend: 'join method, URI, query, header lines (each with its own line feed), signed headers and hash by line feeds',
    apply: (inputs) => [{ inputs: { ...inputs, gap: inputs.gap === '' ? '\n' : '' } }],
  },
];
