/** What goes wrong with the query. */
import { encodeComponent } from '../encode.ts';
import { SOURCES, type Mutation, type Variant } from './mutation.ts';
import type { SigningInputs } from './signing-inputs.ts';

const query = (inputs: SigningInputs, value: string, detail?: string): Variant[] =>
  value === inputs.query ? [] : [{ inputs: { ...inputs, query: value }, ...(detail !== undefined && { detail }) }];

const pairsOf = (text: string): string[] => (text === '' ? [] : text.split('&'));
const nameOf = (pair: string): string => pair.split('=')[0] ?? '';

export const QUERY_MUTATIONS: readonly Mutation[] = [
  {
    id: 'query-without-equals',
    stage: 'canonical query',
    culprit: 'a parameter without a value was signed without its `=`',
    rule: 'a parameter without a value is signed as `name=`',
    source: SOURCES.canonicalRequest,
    mend: 'write `uploads=`, not `uploads`, into the canonical query',
    apply: (inputs) =>
      query(
        inputs,
        pairsOf(inputs.query)
          .map((pair) => (pair.endsWith('=') ? pair.slice(0, -1) : pair))
          .join('&'),
      ),
  },
  {
    id: 'query-unsorted',
    stage: 'canonical query',
    culprit: 'the parameters were signed in the order in which they were sent',
    rule: 'parameters are sorted by encoded name, then by encoded value',
    source: SOURCES.canonicalRequest,
    mend: 'sort the encoded names by their bytes before joining',
    apply: function* (inputs, { request }) {
      const pairs = pairsOf(inputs.query);
      const sent = pairsOf(request?.query ?? '');
      const rank = (pair: string): number => {
        const index = sent.findIndex(
          (one) => nameOf(one) === nameOf(pair) || decode(nameOf(one)) === decode(nameOf(pair)),
        );
        return index < 0 ? sent.length : index;
      };
      yield* query(inputs, [...pairs].sort((a, b) => rank(a) - rank(b)).join('&'));
      yield* query(inputs, [...pairs].reverse().join('&'));
      // Three parameters have six orders, four have twenty-four; more are named by the order that was sent.
      if (pairs.length > 1 && pairs.length <= 5)
        for (const order of permute(pairs)) yield* query(inputs, order.join('&'));
    },
  },
  {
    id: 'query-sorted-as-strings',
    stage: 'canonical query',
    culprit: 'whole `name=value` texts were sorted instead of names',
    rule: 'names are compared first: `a=` comes before `a-b=`, although `-` comes before `=`',
    source: SOURCES.canonicalRequest,
    mend: 'sort pairs by name, then value, not joined strings',
    apply: (inputs) => query(inputs, [...pairsOf(inputs.query)].sort().join('&')),
  },
  {
    id: 'query-case-insensitive-order',
    stage: 'canonical query',
    culprit: 'the parameters were sorted without regard to case',
    rule: 'sorting is by byte: `X-Amz-…` comes before `list-type`',
    source: SOURCES.canonicalRequest,
    mend: 'sort by code point, not by locale',
    apply: (inputs) =>
      query(
        inputs,
        [...pairsOf(inputs.query)]
          .sort((a, b) => (nameOf(a).toLowerCase() < nameOf(b).toLowerCase() ? -1 : 1))
          .join('&'),
      ),
  },
  {
    id: 'query-not-encoded',
    stage: 'canonical query',
    culprit: 'the query was signed without percent-encoding, or as it was sent',
    rule: 'names and values are percent-encoded, `/` and `=` in them included',
    source: SOURCES.canonicalRequest,
    mend: 'encode each name and each value once (RFC 3986) before sorting and joining',
    apply: function* (inputs, { request }) {
      yield* query(inputs, request?.query ?? inputs.query);
      const decoded = pairsOf(inputs.query).map(decode).join('&');
      yield* query(inputs, decoded);
      for (const character of "/:+=@,;()!*'$ ") {
        const code = `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
        yield* query(inputs, inputs.query.replaceAll(code, character), `${character} left as it is`);
      }
      yield* query(
        inputs,
        ['!', "'", '(', ')', '*'].reduce((text, one) => text.replaceAll(encodeComponent(one), one), inputs.query),
        'as encodeURIComponent does it',
      );
    },
  },
  {
    id: 'query-double-encoded',
    stage: 'canonical query',
    culprit: 'the query was percent-encoded twice',
    rule: 'names and values are percent-encoded once',
    source: SOURCES.canonicalRequest,
    mend: 'encode decoded values, not what was encoded already',
    apply: (inputs) =>
      query(
        inputs,
        pairsOf(inputs.query)
          .map((pair) => {
            const [name = '', value = ''] = pair.split('=');
            return `${encodeComponent(name)}=${encodeComponent(value)}`;
          })
          .join('&'),
      ),
  },
  {
    id: 'query-plus-for-space',
    stage: 'canonical query',
    culprit: 'a space in the query was signed as `+`, or a plus as a space',
    rule: 'in the canonical query a space is %20 and a plus is %2B',
    source: SOURCES.canonicalRequest,
    mend: 'use an RFC 3986 encoder for the query, not a form encoder',
    apply: (inputs) => [
      ...query(inputs, inputs.query.replaceAll('%20', '+')),
      ...query(inputs, inputs.query.replaceAll('%20', '%2B')),
      ...query(inputs, inputs.query.replaceAll('%2B', '%20')),
    ],
  },
  {
    id: 'query-lower-case-hex',
    stage: 'canonical query',
    culprit: 'percent-encodings of the query were signed in lower case',
    rule: 'the hex digits of a percent-encoding are upper case',
    source: SOURCES.canonicalRequest,
    mend: 'write percent-encodings in upper case before signing',
    apply: (inputs) =>
      query(
        inputs,
        inputs.query.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
      ),
  },
  {
    id: 'query-left-out',
    stage: 'canonical query',
    culprit: 'the query was not signed',
    rule: 'every parameter is part of the canonical request',
    source: SOURCES.canonicalRequest,
    mend: 'sign the query that is sent; a proxy must not add parameters',
    apply: (inputs) => query(inputs, ''),
  },
  {
    id: 'query-parameter-added',
    stage: 'canonical query',
    culprit: 'a parameter was added behind the signature',
    rule: 'every parameter is part of the canonical request, also x-id and cache busters',
    source: SOURCES.canonicalRequest,
    mend: 'add parameters before signing, or let the proxy leave the query alone',
    apply: function* (inputs) {
      const pairs = pairsOf(inputs.query);
      for (const [index, pair] of pairs.entries()) {
        yield* query(inputs, pairs.filter((_, at) => at !== index).join('&'), nameOf(pair));
      }
    },
  },
  {
    id: 'query-parameter-dropped',
    stage: 'canonical query',
    culprit: 'a parameter that was signed is missing',
    rule: 'every parameter that was signed must arrive',
    source: SOURCES.canonicalRequest,
    mend: 'let nothing between client and server drop parameters',
    apply: function* (inputs) {
      const known = [
        ...[
          'GetObject',
          'PutObject',
          'HeadObject',
          'ListObjectsV2',
          'ListObjects',
          'UploadPart',
          'CreateMultipartUpload',
          'CompleteMultipartUpload',
          'ListBuckets',
          'DeleteObject',
          'DeleteObjects',
          'HeadBucket',
          'ListParts',
          'AbortMultipartUpload',
          'CopyObject',
        ].map((name) => `x-id=${name}`),
        ...[
          'uploads',
          'acl',
          'tagging',
          'location',
          'versioning',
          'policy',
          'delete',
          'cors',
          'lifecycle',
          'versions',
        ].map((name) => `${name}=`),
        'list-type=2',
        'encoding-type=url',
        'prefix=',
        'delimiter=',
        'delimiter=%2F',
      ];
      for (const pair of known) {
        if (pairsOf(inputs.query).some((one) => nameOf(one) === nameOf(pair))) continue;
        yield* query(inputs, sortPairs([...pairsOf(inputs.query), pair]).join('&'), pair);
      }
      // Proxies and caches that drop empty parameters drop all of them.
      for (const names of [
        ['delimiter', 'prefix'],
        ['delimiter', 'marker', 'prefix'],
        ['continuation-token', 'delimiter', 'prefix'],
      ]) {
        const missing = names.filter((name) => !pairsOf(inputs.query).some((one) => nameOf(one) === name));
        const pairs = [...pairsOf(inputs.query), ...missing.map((name) => `${name}=`)];
        yield* query(inputs, sortPairs(pairs).join('&'), missing.join(' and '));
      }
    },
  },
  {
    id: 'query-name-case',
    stage: 'canonical query',
    culprit: 'the name of a parameter was signed in another case than it arrived in',
    rule: 'names of parameters are case-sensitive: versionId, uploadId, partNumber',
    source: SOURCES.canonicalRequest,
    mend: 'let nothing between client and server change the case of the query',
    apply: (inputs) => {
      const known = new Map(CASED.map((name) => [name.toLowerCase(), name]));
      const pairs = pairsOf(inputs.query).map((pair) => {
        const name = nameOf(pair);
        return (known.get(name.toLowerCase()) ?? name) + pair.slice(name.length);
      });
      return [
        ...query(inputs, sortPairs(pairs).join('&')),
        ...query(
          inputs,
          sortPairs(
            pairsOf(inputs.query).map((pair) => nameOf(pair).toLowerCase() + pair.slice(nameOf(pair).length)),
          ).join('&'),
          'all in lower case',
        ),
        ...query(inputs, inputs.query.toLowerCase(), 'names and values in lower case'),
      ];
    },
  },
  {
    id: 'query-encoded-on-the-way',
    stage: 'canonical query',
    culprit: 'the query was encoded a second time, or decoded once too often, behind the signature',
    rule: 'the query that is signed is the query that the server sees',
    source: SOURCES.canonicalRequest,
    mend: 'hand the URL on as it is: no encodeURI, no template and no proxy that encodes it again',
    apply: (inputs) => [
      ...query(inputs, sortPairs(pairsOf(inputs.query.replace(/%25([0-9A-F]{2})/g, '%$1'))).join('&')),
      ...query(inputs, sortPairs(pairsOf(inputs.query.replace(/amp%3B/g, ''))).join('&'), '&amp; out of HTML or XML'),
    ],
  },
  {
    id: 'presigned-parameters',
    stage: 'canonical query',
    culprit: 'a parameter of the presigned URL was changed or left out of what was signed',
    rule: 'every X-Amz- parameter but X-Amz-Signature is part of the canonical query, with the value that is sent',
    source: SOURCES.query,
    mend: 'presign anew with the values that are wanted; a presigned URL cannot be edited',
    isAlone: true,
    apply: function* (inputs) {
      const expires = /(^|&)X-Amz-Expires=(\d+)/.exec(inputs.query);
      if (expires === null) return;
      for (const seconds of LIFETIMES)
        yield* query(
          inputs,
          inputs.query.replace(expires[0], `${expires[1] ?? ''}X-Amz-Expires=${String(seconds)}`),
          `signed X-Amz-Expires=${String(seconds)}`,
        );
      for (const region of ['us-east-1'])
        yield* query(
          inputs,
          inputs.query.replace(`%2F${inputs.scope.region}%2F`, `%2F${region}%2F`),
          `signed with ${region} in X-Amz-Credential`,
        );
    },
  },
  {
    id: 'query-repeated',
    stage: 'canonical query',
    culprit: 'of a repeated parameter only one was signed',
    rule: 'repeated parameters all stay',
    source: SOURCES.canonicalRequest,
    mend: 'sign every parameter, repeats included',
    apply: function* (inputs) {
      const pairs = pairsOf(inputs.query);
      const first = pairs.filter((pair, index) => pairs.findIndex((one) => nameOf(one) === nameOf(pair)) === index);
      const last = pairs.filter((pair, index) => pairs.findLastIndex((one) => nameOf(one) === nameOf(pair)) === index);
      yield* query(inputs, first.join('&'));
      yield* query(inputs, last.join('&'));
    },
  },
];

/** Parameters of S3 with a capital letter. */
const CASED = [
  ...['versionId', 'uploadId', 'partNumber', 'uploadIdMarker', 'X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-Date'],
  ...['X-Amz-Expires', 'X-Amz-SignedHeaders', 'X-Amz-Security-Token', 'intelligent-tiering', 'publicAccessBlock'],
  ...['policyStatus', 'ownershipControls', 'requestPayment', 'Action', 'Version'],
];

/** Of presigned URLs, in seconds, as people write them. */
const LIFETIMES = [
  ...[
    1, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300, 360, 600, 900, 1000, 1200, 1800, 2400, 2700, 3000, 3599, 3600,
  ],
  ...[
    5400, 7200, 9000, 10_000, 10_800, 14_400, 18_000, 21_600, 28_800, 36_000, 43_200, 64_800, 86_399, 86_400, 100_000,
  ],
  ...[129_600, 172_800, 259_200, 345_600, 360_000, 432_000, 518_400, 604_799, 604_800],
];

const sortPairs = (pairs: readonly string[]): string[] =>
  [...pairs].sort((a, b) => (nameOf(a) === nameOf(b) ? (a < b ? -1 : 1) : nameOf(a) < nameOf(b) ? -1 : 1));

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function* permute(items: readonly string[]): Generator<string[]> {
  if (items.length <= 1) {
    yield [...items];
    return;
  }
  for (const [index, item] of items.entries()) {
    for (const rest of permute(items.filter((_, at) => at !== index))) yield [item, ...rest];
  }
}
