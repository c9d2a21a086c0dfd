/** What goes wrong with the scope, the dates and the algorithm. */
import { parseAmz, printAmz, shiftDate } from './amz-time.ts';
import { SOURCES, type Mutation, type Variant } from './mutation.ts';
import type { SigningInputs } from './signing-inputs.ts';

const scope = (inputs: SigningInputs, change: Partial<SigningInputs['scope']>, detail: string): Variant => ({
  inputs: { ...inputs, scope: { ...inputs.scope, ...change } },
  detail,
});

/** The scope is written as it should be, and the key is of another. */
const onlyKey = (inputs: SigningInputs, keyScope: Partial<SigningInputs['scope']>, detail: string): Variant => ({
  inputs: { ...inputs, keyScope },
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

export const SCOPE_MUTATIONS: readonly Mutation[] = [
  {
    id: 'region-differs',
    stage: 'scope',
    culprit: 'it was signed for another region than its credential names',
    rule: 'the scope of the credential, of the string to sign and of the signing key are one',
    source: SOURCES.stringToSign,
    mend: 'configure one region for endpoint and signer',
    apply: function* (inputs) {
      const { region: now } = inputs.scope;
      const zones = ['a', 'b', 'c', 'd'].map((zone) => now + zone);
      const regions = [...REGIONS, ...zones, now.toUpperCase(), now.toLowerCase()].filter((region) => region !== now);
      for (const region of new Set(regions))
        yield scope(inputs, { region }, `signed for region ${JSON.stringify(region)}`);
      for (const region of new Set(regions))
        yield onlyKey(inputs, { region }, `the key was derived for region ${JSON.stringify(region)}`);
    },
  },
  {
    id: 'service-differs',
    stage: 'scope',
    culprit: 'it was signed for another service than its credential names',
    rule: 'the scope of the credential, of the string to sign and of the signing key are one',
    source: SOURCES.stringToSign,
    mend: 'sign for service s3',
    apply: function* (inputs) {
      const services = SERVICES.filter((service) => service !== inputs.scope.service);
      for (const service of services) yield scope(inputs, { service }, `signed for service ${JSON.stringify(service)}`);
      for (const service of services)
        yield onlyKey(inputs, { service }, `the key was derived for service ${JSON.stringify(service)}`);
    },
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
        shiftDate(inputs.scope.date, -1),
        shiftDate(inputs.scope.date, 1),
        shiftDate(day, -1),
        shiftDate(day, 1),
      ]) {
        if (date === inputs.scope.date) continue;
        yield scope(inputs, { date }, `signed with ${date}`);
        yield onlyKey(inputs, { date }, `the key was derived for ${date}`);
        yield {
          ...scope(inputs, { date }, `${date} stands in the scope of the string to sign`),
          inputs: { ...inputs, scope: { ...inputs.scope, date }, keyScope: { date: inputs.scope.date } },
        };
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
      for (const amzDate of [...found, ...near, ...formsOf(inputs.amzDate)]) {
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
];

/** A time as other formats write it. */
function formsOf(amzDate: string): string[] {
  const iso = amzDate.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
  const at = parseAmz(amzDate);
  return [
    amzDate.replace('Z', ''),
    amzDate.slice(0, 8),
    amzDate.toLowerCase(),
    iso,
    iso.replace('Z', '.000Z'),
    iso.replace('Z', '+00:00'),
    amzDate.replace('Z', '.000Z'),
    amzDate.replace('Z', '000Z'),
    ...(at === null ? [] : [new Date(at).toUTCString(), String(at / 1000), String(at)]),
  ];
}
