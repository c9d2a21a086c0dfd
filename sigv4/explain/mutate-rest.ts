/** What goes wrong with the method, the payload hash, the scope, the dates, the string to sign and the secret. */
import { SOURCES, type Mutation, type MutationContext, type Variant } from './mutation.ts';
import type { SigningInputs } from './signing-inputs.ts';

const payload = (inputs: SigningInputs, values: readonly string[], detail?: string): Variant[] =>
  values
    .filter((value) => value !== inputs.payloadHash)
    .map((payloadHash) => ({ inputs: { ...inputs, payloadHash }, ...(detail !== undefined && { detail }) }));

const scope = (inputs: SigningInputs, change: Partial<SigningInputs['scope']>, detail: string): Variant => ({
  inputs: { ...inputs, scope: { ...inputs.scope, ...change } },
  detail,
});

const REGIONS = [
  ...[
    'us-east-1',
    'us-east-2',
    'us-west-1',
    'us-west-2',
    'af-south-1',
    'ap-east-1',
    'ap-south-1',
    'ap-south-2',
    'ap-southeast-1',
  ],
  ...[
    'ap-southeast-2',
    'ap-southeast-3',
    'ap-southeast-4',
    'ap-northeast-1',
    'ap-northeast-2',
    'ap-northeast-3',
    'ca-central-1',
  ],
  ...[
    'ca-west-1',
    'eu-central-1',
    'eu-central-2',
    'eu-west-1',
    'eu-west-2',
    'eu-west-3',
    'eu-south-1',
    'eu-south-2',
    'eu-north-1',
  ],
  ...[
    'il-central-1',
    'me-south-1',
    'me-central-1',
    'sa-east-1',
    'cn-north-1',
    'cn-northwest-1',
    'us-gov-west-1',
    'us-gov-east-1',
  ],
  ...[
    'auto',
    'default',
    'garage',
    'minio',
    'local',
    'us',
    'eu',
    'EU',
    'US',
    'nyc3',
    'ams3',
    'fra1',
    'sgp1',
    'fr-par',
    'nl-ams',
    'gra',
    '',
  ],
];
const SERVICES = [
  's3',
  'S3',
  's3express',
  's3-object-lambda',
  's3-outposts',
  'execute-api',
  'iam',
  'sts',
  'kms',
  'es',
  'glacier',
  'dynamodb',
  'lambda',
  'sqs',
  'storage',
  '',
];
const WORDS = [
  'UNSIGNED-PAYLOAD',
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
  'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
  '',
];
const decoder = new TextDecoder();

export const REST_MUTATIONS: readonly Mutation[] = [
  {
    id: 'method-differs',
    stage: 'method',
    culprit: 'another method was signed than was sent',
    rule: 'line 1 is the method in upper case, as it is sent; a URL that was presigned for GET does not serve HEAD',
    source: SOURCES.canonicalRequest,
    mend: 'sign the method that is sent; presign for HEAD or PUT apart',
    apply: (inputs) =>
      ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', inputs.method.toLowerCase(), 'OPTIONS', 'PATCH']
        .filter((method) => method !== inputs.method)
        .map((method) => ({ inputs: { ...inputs, method }, detail: `signed as ${method}` })),
  },
  {
    id: 'payload-word',
    stage: 'payload hash',
    culprit: 'the payload line of the canonical request is not what x-amz-content-sha256 says',
    rule: 'the last line is the value of x-amz-content-sha256, a hash or one of its words',
    source: SOURCES.s3,
    mend: 'send the value that was signed, and sign the value that is sent',
    apply: function* (inputs) {
      for (const word of WORDS) yield* payload(inputs, [word], `signed ${word === '' ? 'an empty line' : word}`);
    },
  },
  {
    id: 'payload-empty',
    stage: 'payload hash',
    culprit: 'the hash of an empty body was signed',
    rule: 'the payload hash is that of the body that is sent',
    source: SOURCES.canonicalRequest,
    mend: 'hash the body before signing',
    apply: (inputs, { hash }) => payload(inputs, [hash('')]),
  },
  {
    id: 'payload-of-body',
    stage: 'payload hash',
    culprit: 'the hash of the body was signed, and x-amz-content-sha256 says something else',
    rule: 'the last line of the canonical request is the value of x-amz-content-sha256',
    source: SOURCES.s3,
    mend: 'send the hash that was signed in x-amz-content-sha256',
    apply: (inputs, { body, hash }) => (body === null ? [] : payload(inputs, [hash(body)])),
  },
  {
    id: 'payload-hash-form',
    stage: 'payload hash',
    culprit: 'the payload hash was written in another form',
    rule: 'a payload hash is 64 digits of lower-case hex',
    source: SOURCES.canonicalRequest,
    mend: 'write the SHA-256 as lower-case hex, not upper case, not base64',
    apply: (inputs) => [
      ...payload(inputs, [inputs.payloadHash.toUpperCase()], 'upper case'),
      ...payload(inputs, [toBase64(inputs.payloadHash)], 'base64'),
    ],
  },
  {
    id: 'payload-line-ends',
    stage: 'payload hash',
    culprit: 'the body that was signed has other line ends or a final newline than the one that was sent',
    rule: 'the hash is over the bytes that are sent; `curl -d` strips newlines from files, `--data-binary` does not',
    source: SOURCES.canonicalRequest,
    mend: 'send the bytes that were hashed: curl --data-binary @file, and no editor or shell in between',
    apply: (inputs, context) =>
      bodies(inputs, context, (text) => [
        `${text}\n`,
        `${text}\r\n`,
        text.replace(/\r?\n$/, ''),
        text.replace(/\r?\n/g, ''),
        text.replace(/\r?\n/g, '\r\n'),
        text.replace(/\r\n/g, '\n'),
        `\ufeff${text}`,
        text.replace(/^\ufeff/, ''),
      ]),
  },
  {
    id: 'payload-reformatted',
    stage: 'payload hash',
    culprit: 'the body was formatted anew between hashing and sending',
    rule: 'the hash is over the bytes that are sent',
    source: SOURCES.canonicalRequest,
    mend: 'serialise once, and hash and send the same bytes',
    apply: (inputs, context) => bodies(inputs, context, (text) => [...reformat(text)]),
  },
  {
    id: 'region-differs',
    stage: 'scope',
    culprit: 'it was signed for another region than its credential names',
    rule: 'the scope of the credential, of the string to sign and of the signing key are one',
    source: SOURCES.stringToSign,
    mend: 'configure one region for endpoint and signer',
    apply: (inputs) =>
      REGIONS.filter((region) => region !== inputs.scope.region).map((region) =>
        scope(inputs, { region }, `signed for region ${JSON.stringify(region)}`),
      ),
  },
  {
    id: 'service-differs',
    stage: 'scope',
    culprit: 'it was signed for another service than its credential names',
    rule: 'the scope of the credential, of the string to sign and of the signing key are one',
    source: SOURCES.stringToSign,
    mend: 'sign for service s3',
    apply: (inputs) =>
      SERVICES.filter((service) => service !== inputs.scope.service).map((service) =>
        scope(inputs, { service }, `signed for service ${JSON.stringify(service)}`),
      ),
  },
  {
    id: 'date-of-scope',
    stage: 'scope',
    culprit: 'the signing key was derived for another day',
    rule: 'the date of the scope is the UTC day of x-amz-date',
    source: SOURCES.signingKey,
    mend: 'take the UTC date, not the local one; do not keep a signing key over midnight UTC',
    apply: function* (inputs) {
      const day = inputs.amzDate.slice(0, 8);
      for (const date of [
        day,
        shift(inputs.scope.date, -1),
        shift(inputs.scope.date, 1),
        shift(day, -1),
        shift(day, 1),
      ]) {
        if (date !== inputs.scope.date) yield scope(inputs, { date }, `signed with ${date}`);
      }
    },
  },
  {
    id: 'terminator',
    stage: 'scope',
    culprit: 'the scope does not end with aws4_request',
    rule: 'the scope and the last HMAC of the key take `aws4_request`',
    source: SOURCES.signingKey,
    mend: 'end the scope and the derivation of the key with aws4_request',
    apply: (inputs) =>
      ['AWS4_REQUEST', 'aws4request', 'aws_request', 'aws4_request\n', ''].map((terminator) =>
        scope(inputs, { terminator }, JSON.stringify(terminator)),
      ),
  },
  {
    id: 'time-of-string-to-sign',
    stage: 'string to sign',
    culprit: 'another time stands in the string to sign than in x-amz-date',
    rule: 'line 2 of the string to sign is x-amz-date, as YYYYMMDDTHHMMSSZ',
    source: SOURCES.stringToSign,
    mend: 'take the time once for x-amz-date, scope and string to sign',
    apply: function* (inputs, { request }) {
      const found = (request?.headers ?? [])
        .filter(([name]) => ['x-amz-date', 'date'].includes(name.toLowerCase()))
        .map(([, value]) => value.trim());
      const at = parseAmz(inputs.amzDate);
      const near: string[] = [];
      // A second tick between two looks at the clock, and the whole hours of local time.
      if (at !== null)
        for (const seconds of [1, -1, 2, -2, 3600, -3600, 7200, -7200]) near.push(printAmz(at + seconds * 1000));
      for (const amzDate of [...found, ...near, inputs.amzDate.replace('Z', ''), inputs.amzDate.slice(0, 8)]) {
        if (amzDate !== inputs.amzDate) yield { inputs: { ...inputs, amzDate }, detail: `signed ${amzDate}` };
      }
    },
  },
  {
    id: 'algorithm-line',
    stage: 'string to sign',
    culprit: 'the first line of the string to sign is not AWS4-HMAC-SHA256',
    rule: 'the string to sign begins with the algorithm',
    source: SOURCES.stringToSign,
    mend: 'begin the string to sign with AWS4-HMAC-SHA256',
    apply: (inputs) =>
      ['AWS4', 'AWS4-HMAC-SHA1', 'HMAC-SHA256', 'aws4-hmac-sha256', 'AWS4-HMAC-SHA256-PAYLOAD', ''].map(
        (algorithm) => ({ inputs: { ...inputs, algorithm }, detail: algorithm }),
      ),
  },
  {
    id: 'secret-white-space',
    stage: 'signing key',
    culprit: 'the secret was used with white space or a byte order mark around it',
    rule: 'the secret is used exactly as it was issued',
    source: SOURCES.signingKey,
    mend: 'remove the newline or blank around the secret: a file or an environment variable carried it (echo -n, .trim())',
    apply: (inputs) =>
      [
        (secret: string) => `${secret}\n`,
        (secret: string) => `${secret}\r\n`,
        (secret: string) => `${secret} `,
        (secret: string) => ` ${secret}`,
        (secret: string) => `${secret}\r`,
        (secret: string) => `${secret}\t`,
        (secret: string) => `\ufeff${secret}`,
        (secret: string) => `${secret}\u00a0`,
      ].map((change, index) => ({
        inputs: { ...inputs, secret: change },
        detail:
          [
            'a newline',
            'CR and LF',
            'a trailing blank',
            'a leading blank',
            'a CR',
            'a tab',
            'a byte order mark',
            'a no-break space',
          ][index] ?? '',
      })),
  },
  {
    id: 'secret-form',
    stage: 'signing key',
    culprit: 'the secret was changed before it was used',
    rule: 'the secret is used exactly as it was issued',
    source: SOURCES.signingKey,
    mend: 'hand the secret over without quotes, URL encoding or base64',
    apply: (inputs) =>
      [
        ['in quotes', (secret: string) => `"${secret}"`],
        ['in single quotes', (secret: string) => `'${secret}'`],
        ['URL-encoded', (secret: string) => safely(() => encodeURIComponent(secret), secret)],
        ['URL-decoded', (secret: string) => safely(() => decodeURIComponent(secret), secret)],
        ['a plus read as a blank', (secret: string) => secret.replaceAll('+', ' ')],
        ['in upper case', (secret: string) => secret.toUpperCase()],
        ['in lower case', (secret: string) => secret.toLowerCase()],
        ['without its first character', (secret: string) => secret.slice(1)],
        ['without its last character', (secret: string) => secret.slice(0, -1)],
        ['with AWS4 put before it twice', (secret: string) => `AWS4${secret}`],
        ['empty', () => ''],
        ['escaped slashes', (secret: string) => secret.replaceAll('/', '\\/')],
        ['base64', (secret: string) => safely(() => btoa(secret), secret)],
      ].map(([detail, change]) => ({
        inputs: { ...inputs, secret: change as (secret: string) => string },
        detail: detail as string,
      })),
  },
  {
    id: 'secret-is-key-id',
    stage: 'signing key',
    culprit: 'the access key id was used as the secret',
    rule: 'the key is derived from the secret access key',
    source: SOURCES.signingKey,
    mend: 'check that access key id and secret are not swapped or both the same',
    apply: (inputs, { accessKeyId }) => [{ inputs: { ...inputs, secret: () => accessKeyId } }],
  },
];

function* bodies(
  inputs: SigningInputs,
  { body, hash }: MutationContext,
  change: (text: string) => readonly string[],
): Generator<Variant> {
  // Larger bodies are objects, and no tool formats those.
  if (body === null || body.length > 262_144) return;
  const text = decoder.decode(body);
  for (const variant of new Set(change(text))) {
    if (variant === text) continue;
    const payloadHash = hash(variant);
    // The client hashed the other text for both places, or for the canonical request alone.
    yield { inputs: { ...inputs, payloadHash } };
    if (inputs.headers.some(([name]) => name === 'x-amz-content-sha256')) {
      const headers = inputs.headers.map((line): readonly [string, string] =>
        line[0] === 'x-amz-content-sha256' ? [line[0], payloadHash] : line,
      );
      yield { inputs: { ...inputs, payloadHash, headers } };
    }
  }
}

function* reformat(text: string): Generator<string> {
  try {
    const value: unknown = JSON.parse(text);
    yield JSON.stringify(value);
    yield JSON.stringify(value, null, 2);
    yield JSON.stringify(value, null, 4);
    yield JSON.stringify(value, null, '\t');
    yield `${JSON.stringify(value, null, 2)}\n`;
    yield JSON.stringify(value).replace(/":/g, '": ').replace(/,"/g, ', "');
  } catch {
    yield text.replace(/>\s+</g, '><');
    yield text.replace(/^<\?xml[^>]*\?>\s*/, '');
    yield `<?xml version="1.0" encoding="UTF-8"?>\n${text}`;
    yield `<?xml version="1.0" encoding="UTF-8"?>${text}`;
  }
  yield text.trim();
}

function toBase64(hex: string): string {
  if (!/^[0-9a-f]+$/.test(hex)) return hex;
  return btoa(String.fromCharCode(...(hex.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16))));
}

function shift(date: string, days: number): string {
  const at = parseAmz(`${date}T000000Z`);
  return at === null ? date : printAmz(at + days * 86_400_000).slice(0, 8);
}

function parseAmz(text: string): number | null {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (match === null) return null;
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

const printAmz = (ms: number): string => new Date(ms).toISOString().replace(/[-:]|\.\d{3}/g, '');

function safely(attempt: () => string, otherwise: string): string {
  try {
    return attempt();
  } catch {
    return otherwise;
  }
}
