/** What goes wrong with the path. */
import { decodeComponent, encodePath } from '../encode.ts';
import { buildCanonicalUri } from '../canonical-uri.ts';
import { SOURCES, type Mutation, type MutationContext, type Variant } from './mutation.ts';
import type { SigningInputs } from './signing-inputs.ts';

const uri = (inputs: SigningInputs, values: readonly (string | null)[], detail?: string): Variant[] =>
  values
    .filter((value): value is string => value !== null && value !== inputs.uri)
    .map((value) => ({ inputs: { ...inputs, uri: value }, ...(detail !== undefined && { detail }) }));

const wirePath = ({ request }: MutationContext): string | null => request?.path ?? null;
const S3_ONCE = 'S3: each path segment is percent-encoded exactly once';

/** What encodeURIComponent and encodeURI leave alone. */
const MARKS = "!'()*:@+=$&,;";

/** Characters that signers forget to encode, or encode although they are unreserved. */
const LOOSE = [...":@+()*=!',$&;~ []{}|^`"];

export const PATH_MUTATIONS: readonly Mutation[] = [
  {
    id: 'path-double-encoded',
    stage: 'canonical URI',
    culprit: 'the path was percent-encoded twice',
    rule: `${S3_ONCE}; only other services encode it twice`,
    source: SOURCES.s3,
    mend: 'sign for S3 with double encoding off (disableDoubleEncoding, uriEscapePath: false, or the S3 signer of your SDK)',
    apply: (inputs) => uri(inputs, [encodePath(inputs.uri)]),
  },
  {
    id: 'path-single-encoded',
    stage: 'canonical URI',
    culprit: 'the path was percent-encoded once, by the rule of S3, for a service that encodes it twice',
    rule: 'every service but S3 normalises the path and encodes each segment twice: a space becomes %2520',
    source: SOURCES.canonicalRequest,
    mend: 'sign with the double encoding of your SDK on (its default for all but S3)',
    apply: (inputs, { pathRule, request }) =>
      pathRule === 's3'
        ? []
        : uri(inputs, [
            ...(request === null ? [] : [buildCanonicalUri(request.path, 's3'), request.path]),
            decodeOnce(inputs.uri),
          ]),
  },
  {
    id: 'path-normalised',
    stage: 'canonical URI',
    culprit: 'the path was normalised: `.`, `..` or `//` were folded away before signing',
    rule: 'S3 folds nothing: `a//b` and `a/../b` are keys like any other',
    source: SOURCES.s3,
    mend: 'switch path normalisation off for S3, in the client and in any proxy before it',
    apply: (inputs) => {
      const folded = buildCanonicalUri(inputs.uri, 'standard');
      const plain = folded === null ? null : decodeOnce(folded);
      return uri(inputs, [folded, plain]);
    },
  },
  {
    id: 'path-not-encoded',
    stage: 'canonical URI',
    culprit: 'the path was signed without percent-encoding',
    rule: S3_ONCE,
    source: SOURCES.s3,
    mend: 'encode each segment of the path (RFC 3986, UTF-8) before signing, and sign what is sent',
    apply: function* (inputs, context) {
      // The same text for a service that encodes twice is no lack of encoding, but the rule of S3.
      if (context.pathRule === 'standard') return;
      const left = [...new Set([...inputs.uri.matchAll(/%([0-9A-F]{2})/g)].map(([code]) => decodeOnce(code) ?? ''))];
      // A few marks left alone are the habit of an encoder, which the next one names.
      if (left.length > 0 && left.every((one) => one !== '' && MARKS.includes(one))) return;
      const shown = left.length === 1 && left[0] !== '' ? `${JSON.stringify(left[0])} left as it is` : undefined;
      yield* uri(inputs, [decodeOnce(inputs.uri), wirePath(context)], shown);
    },
  },
  {
    id: 'path-characters',
    stage: 'canonical URI',
    culprit: 'a character of the path was encoded in another way',
    rule: 'all but A-Z a-z 0-9 - . _ ~ and the slashes is percent-encoded',
    source: SOURCES.canonicalRequest,
    mend: "use an RFC 3986 encoder: JavaScript's encodeURIComponent leaves ! ' ( ) *, and others leave : @ + = alone",
    apply: function* (inputs) {
      const encodedOf = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
      for (const character of LOOSE) {
        const encoded = encodedOf(character);
        yield* uri(inputs, [inputs.uri.replaceAll(encoded, character)], `${character} left as it is`);
        yield* uri(inputs, [inputs.uri.replaceAll(character, encoded)], `${character} encoded`);
      }
      const component = ['!', "'", '(', ')', '*'].reduce(
        (text, one) => text.replaceAll(encodedOf(one), one),
        inputs.uri,
      );
      yield* uri(inputs, [component], 'as encodeURIComponent does it');
      const lax = [':', '@', '+', '=', '$', '&', ',', ';'].reduce(
        (text, one) => text.replaceAll(encodedOf(one), one),
        component,
      );
      yield* uri(inputs, [lax], 'as encodeURI does it');
    },
  },
  {
    id: 'path-plus-for-space',
    stage: 'canonical URI',
    culprit: 'a space in the path was signed as `+`, or a plus as a space',
    rule: 'a space is %20; in a path a `+` is a plus',
    source: SOURCES.canonicalRequest,
    mend: 'encode spaces as %20 (not with a form encoder such as quote_plus or URLEncoder)',
    apply: (inputs) =>
      uri(inputs, [
        inputs.uri.replaceAll('%20', '+'),
        inputs.uri.replaceAll('%2B', '%20'),
        inputs.uri.replaceAll('%2B', '+'),
      ]),
  },
  {
    id: 'path-encoded-slash',
    stage: 'canonical URI',
    culprit: 'the slashes of the key were signed as %2F',
    rule: 'slashes of a key stay slashes in the canonical URI',
    source: SOURCES.s3,
    mend: 'encode the segments between the slashes, not the whole key',
    apply: function* (inputs) {
      const second = inputs.uri.indexOf('/', 1);
      yield* uri(inputs, [`/${inputs.uri.slice(1).replaceAll('/', '%2F')}`]);
      if (second > 0) {
        yield* uri(inputs, [inputs.uri.slice(0, second + 1) + inputs.uri.slice(second + 1).replaceAll('/', '%2F')]);
        yield* uri(inputs, [inputs.uri.slice(0, second + 1) + inputs.uri.slice(second + 1).replaceAll('/', '%252F')]);
      }
    },
  },
  {
    id: 'path-lower-case-hex',
    stage: 'canonical URI',
    culprit: 'percent-encodings of the path were signed in lower case',
    rule: 'the hex digits of a percent-encoding are upper case: %2F, not %2f',
    source: SOURCES.canonicalRequest,
    mend: 'write percent-encodings in upper case before signing',
    apply: (inputs) => uri(inputs, [inputs.uri.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())]),
  },
  {
    id: 'path-normal-form',
    stage: 'canonical URI',
    culprit: 'the key was signed in another Unicode normal form',
    rule: 'a key is its bytes: é as one code point (NFC) and as two (NFD) are two keys',
    source: SOURCES.s3,
    mend: 'do not normalise keys; macOS file names are NFD',
    apply: (inputs) => {
      const plain = decodeOnce(inputs.uri);
      return plain === null
        ? []
        : uri(inputs, [encodePath(plain.normalize('NFC')), encodePath(plain.normalize('NFD'))]);
    },
  },
  {
    id: 'path-query-left-in',
    stage: 'canonical URI',
    culprit: 'the query string was left in the canonical URI',
    rule: 'the canonical URI ends at the `?`',
    source: SOURCES.canonicalRequest,
    mend: 'split the target at `?`: the path on line 2, the parameters on line 3',
    apply: function* (inputs, { request }) {
      const mark = inputs.uri.indexOf('?');
      if (mark > 0) yield { inputs: { ...inputs, uri: inputs.uri.slice(0, mark) } };
      const query = request?.query ?? inputs.query;
      if (query === '') return;
      for (const text of [`${inputs.uri}?${query}`, `${inputs.uri}%3F${encodePath(query)}`]) {
        yield { inputs: { ...inputs, uri: text, query: '' } };
        yield { inputs: { ...inputs, uri: text } };
      }
    },
  },
  {
    id: 'path-changed-on-the-way',
    stage: 'canonical URI',
    culprit: 'the path was changed behind the signature',
    rule: 'the path that is signed is the path that the server sees, byte for byte',
    source: SOURCES.s3,
    mend: 'let no proxy fold, decode or encode paths (nginx: merge_slashes off, proxy_pass without a URI; curl: --path-as-is; Apache: AllowEncodedSlashes NoDecode)',
    apply: function* (inputs) {
      const { uri: now } = inputs;
      const slashes = [...now].flatMap((one, at) => (one === '/' ? [at] : [])).slice(0, 64);
      for (const at of slashes)
        yield* uri(inputs, [`${now.slice(0, at)}/${now.slice(at)}`], 'a double slash was merged');
      for (const at of slashes.slice(1)) {
        const [before, after] = [now.slice(0, at), now.slice(at + 1)];
        yield* uri(inputs, [`${before}%2F${after}`], '%2F was decoded to a slash');
        yield* uri(inputs, [`${before}%5C${after}`], 'a backslash was made a slash');
        yield* uri(inputs, [`${before}/./${after}`], 'a segment `.` was folded away');
      }
      yield* uri(inputs, [`/.${now}`], 'a segment `.` was folded away');
      yield* uri(inputs, [now.replaceAll('%5C', '/')], 'a backslash was signed as a slash');
      yield* uri(inputs, [now.replaceAll('%20', '%2B')], 'a plus was made a space');
      yield* uri(inputs, [now.replaceAll('%2B', '%20')], 'a space was made a plus');
      yield* uri(inputs, [now.replace(/%25([0-9A-F]{2})/g, '%$1')], 'it was encoded a second time');
      yield* uri(inputs, [now.replace(/%(?=[0-9A-F]{2})/g, '%25')], 'it was decoded once too often');
      yield* uri(inputs, [now.toLowerCase()], 'its letters were made small');
      yield* uri(inputs, [toUtf8(now)], 'its characters were sent in Latin-1 and signed in UTF-8');
    },
  },
  {
    id: 'addressing-style',
    stage: 'canonical URI',
    culprit: 'the request was signed in one addressing style and arrived in the other',
    rule: 'path style signs /bucket/key, virtual-hosted style signs /key with the bucket in Host',
    source: SOURCES.s3,
    mend: 'use one addressing style throughout (forcePathStyle, addressing_style), also in any proxy that rewrites it',
    apply: function* (inputs) {
      const host = valueOfHost(inputs) ?? '';
      const [, bucket = '', rest = ''] = /^\/([^/]+)(\/.*)?$/.exec(inputs.uri) ?? [];
      const withHost = (value: string): SigningInputs => ({
        ...inputs,
        headers: inputs.headers.map((line) => (line[0] === 'host' ? ['host', value] : line)),
      });
      if (bucket !== '')
        yield {
          inputs: { ...withHost(`${bucket}.${host}`), uri: rest === '' ? '/' : rest },
          detail: 'signed virtual-hosted',
        };
      const dot = host.indexOf('.');
      if (dot > 0) {
        const signed = withHost(host.slice(dot + 1));
        yield { inputs: { ...signed, uri: `/${host.slice(0, dot)}${inputs.uri}` }, detail: 'signed path-style' };
        if (inputs.uri === '/')
          yield { inputs: { ...signed, uri: `/${host.slice(0, dot)}` }, detail: 'signed path-style' };
      }
    },
  },
  {
    id: 'path-bucket',
    stage: 'canonical URI',
    culprit: 'the bucket stands in the path on one side and in the host on the other',
    rule: 'path style signs /bucket/key, virtual-hosted style signs /key with the bucket in Host',
    source: SOURCES.s3,
    mend: 'use one addressing style throughout (forcePathStyle, addressing_style), also in any proxy that rewrites it',
    apply: function* (inputs) {
      const second = inputs.uri.indexOf('/', 1);
      yield* uri(inputs, [second < 0 ? '/' : inputs.uri.slice(second)], 'signed without the first segment');
      const label = (valueOfHost(inputs) ?? '').split('.')[0] ?? '';
      if (label !== '') yield* uri(inputs, [`/${label}${inputs.uri}`], `signed as /${label}/…`);
    },
  },
  {
    id: 'path-prefix',
    stage: 'canonical URI',
    culprit: 'a proxy adds or strips a prefix of the path behind the signature',
    rule: 'the path that is signed is the path that the server sees',
    source: SOURCES.canonicalRequest,
    mend: 'let the proxy pass the path through unchanged, or serve the store on a host of its own',
    apply: function* (inputs, { request }) {
      const told = (request?.headers ?? [])
        .filter(([name]) => ['x-forwarded-prefix', 'x-script-name', 'x-original-prefix'].includes(name.toLowerCase()))
        .map(([, value]) => value.trim().replace(/\/$/, ''));
      const original = (request?.headers ?? [])
        .filter(([name]) =>
          ['x-original-uri', 'x-original-url', 'x-rewrite-url', 'x-envoy-original-path'].includes(name.toLowerCase()),
        )
        .map(([, value]) => value.split('?')[0] ?? '');
      yield* uri(inputs, original, 'signed as a header of the proxy tells');
      const first = /^\/[^/]+(?=\/[^/]+\/)/.exec(inputs.uri)?.[0];
      if (first !== undefined) yield* uri(inputs, [inputs.uri.slice(first.length)], `signed without ${first}`);
      for (const prefix of [
        ...told,
        '/s3',
        '/api',
        '/storage',
        '/minio',
        '/v1',
        '/gateway',
        '/object',
        '/objects',
        '/store',
      ]) {
        yield* uri(inputs, [prefix + inputs.uri], `signed with ${prefix}`);
        if (inputs.uri.startsWith(`${prefix}/`))
          yield* uri(inputs, [inputs.uri.slice(prefix.length)], `signed without ${prefix}`);
      }
    },
  },
  {
    id: 'path-slash',
    stage: 'canonical URI',
    culprit: 'a leading or trailing slash differs',
    rule: 'the canonical URI begins with one slash, and a trailing one is part of the key',
    source: SOURCES.canonicalRequest,
    mend: 'sign exactly the path that is sent; an empty path is `/`',
    apply: (inputs) =>
      uri(inputs, [
        inputs.uri.replace(/^\//, ''),
        `/${inputs.uri}`,
        inputs.uri.replace(/^\/\//, '/'),
        inputs.uri.replace(/\/$/, ''),
        `${inputs.uri}/`,
        '',
        '/',
      ]),
  },
];

function decodeOnce(text: string): string | null {
  return decodeComponent(text);
}

/** Each percent-encoded byte beyond ASCII read as Latin-1 and written in UTF-8. */
const toUtf8 = (text: string): string =>
  text.replace(/%([89A-F][0-9A-F])/g, (_, hex: string) => encodePath(String.fromCharCode(Number.parseInt(hex, 16))));

const valueOfHost = (inputs: SigningInputs): string | undefined =>
  inputs.headers.find(([name]) => name === 'host')?.[1];
