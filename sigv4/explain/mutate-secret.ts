/** What happens to a secret before it is used. */
import { SOURCES, type Mutation } from './mutation.ts';

/** What stands where a secret should when a variable was not set or not expanded. */
const PLACEHOLDERS = [
  ...[
    'undefined',
    'null',
    'None',
    'nil',
    '<nil>',
    'false',
    'changeme',
    'minioadmin',
    'password',
    'secret',
    'test',
    'dummy',
  ],
  ...['$AWS_SECRET_ACCESS_KEY', '${AWS_SECRET_ACCESS_KEY}', '$SECRET_KEY', '${SECRET_KEY}', '%AWS_SECRET_ACCESS_KEY%'],
  ...[
    'AWS_SECRET_ACCESS_KEY',
    'YOUR_SECRET_KEY',
    'YOUR_SECRET_ACCESS_KEY',
    '<secret>',
    'xxx',
    '***',
    '****',
    'REDACTED',
  ],
];

const FORMS: readonly (readonly [detail: string, change: (secret: string) => string])[] = [
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
  ['base64-decoded', (secret: string) => safely(() => atob(secret), secret)],
  ['cut at its first slash', (secret: string) => secret.split('/')[0] ?? ''],
  ['cut at its first plus', (secret: string) => secret.split('+')[0] ?? ''],
  ['cut at its first slash or plus, as by a pattern of letters', (secret: string) => /^\w*/.exec(secret)?.[0] ?? ''],
  ['with its blank read as a plus', (secret: string) => secret.replaceAll(' ', '+')],
  ['without its slashes', (secret: string) => secret.replaceAll('/', '')],
  ['without its plus signs', (secret: string) => secret.replaceAll('+', '')],
  ['twice in a row', (secret: string) => secret + secret],
  ...PLACEHOLDERS.map((text) => [`the placeholder ${text} stood in its place`, () => text] as const),
];

export const SECRET_MUTATIONS: readonly Mutation[] = [
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
    apply: (inputs) => FORMS.map(([detail, change]) => ({ inputs: { ...inputs, secret: change }, detail })),
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

function safely(attempt: () => string, otherwise: string): string {
  try {
    return attempt();
  } catch {
    return otherwise;
  }
}
