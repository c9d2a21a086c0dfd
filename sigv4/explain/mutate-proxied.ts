/** What proxies, balancers and retries do to headers that were signed: they add to them, count in them, or write their own value. */
import { SOURCES, valueOf, withHeader, type Mutation, type Variant } from './mutation.ts';
import type { SigningInputs } from './signing-inputs.ts';

const RULE = 'a signed header must arrive as it was signed';

function* tryEach(inputs: SigningInputs, name: string, values: readonly string[]): Generator<Variant> {
  const now = valueOf(inputs, name);
  for (const value of new Set(values)) {
    if (value !== now) yield { inputs: withHeader(inputs, name, value), detail: `${name}: ${JSON.stringify(value)}` };
  }
}

/** Headers that hop after hop appends to, by a comma or a blank. */
const GROWING = [
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'forwarded',
  'via',
  'user-agent',
  'cdn-loop',
];

const KNOWN_VALUES: Readonly<Record<string, readonly string[]>> = {
  connection: ['keep-alive', 'close', 'Keep-Alive', 'Close', ''],
  'x-forwarded-proto': ['https', 'http'],
  'x-forwarded-port': ['443', '80'],
  'x-amz-acl': ['private', 'public-read', 'public-read-write', 'authenticated-read', 'bucket-owner-full-control'],
  'x-amz-storage-class': ['STANDARD', 'STANDARD_IA', 'REDUCED_REDUNDANCY'],
  'x-amz-server-side-encryption': ['AES256', 'aws:kms'],
  'cache-control': ['no-cache', 'max-age=0', 'no-store', ''],
  accept: ['*/*', 'application/json', 'application/xml', ''],
  'accept-language': ['*', 'en-US', 'en', ''],
};

/** Looked for before white space, which a repeated value looks like. */
export const REPEATED_MUTATIONS: readonly Mutation[] = [
  {
    id: 'header-repeated',
    stage: 'canonical headers',
    culprit: 'a header that was signed once arrived twice',
    rule: 'the values of a repeated header are joined by commas in its one line',
    source: SOURCES.canonicalRequest,
    mend: 'send it once: a proxy or a second layer of the client adds it again',
    apply: function* (inputs, { request }) {
      for (const [name] of inputs.headers) {
        const sent = (request?.headers ?? [])
          .filter(([one]) => one.toLowerCase() === name)
          .map(([, value]) => value.trim());
        if (sent.length > 1) yield* tryEach(inputs, name, sent);
      }
    },
  },
];

export const PROXIED_MUTATIONS: readonly Mutation[] = [
  {
    id: 'header-appended',
    stage: 'canonical headers',
    culprit: 'a hop appended to a header that was signed',
    rule: RULE,
    source: SOURCES.http,
    mend: 'do not sign headers that every hop appends to (x-forwarded-for, via, user-agent)',
    apply: function* (inputs) {
      for (const name of GROWING) {
        const value = valueOf(inputs, name);
        if (value === undefined) continue;
        const elements = value.split(',').map((one) => one.trim());
        const words = value.split(' ');
        const shorter = [
          ...elements.slice(1).map((_, at) => elements.slice(0, at + 1).join(', ')),
          ...elements.slice(1).map((_, at) => elements.slice(at + 1).join(', ')),
          ...words.slice(1).map((_, at) => words.slice(0, at + 1).join(' ')),
        ];
        yield* tryEach(inputs, name, [...shorter, '']);
      }
    },
  },
  {
    id: 'trace-header-changed',
    stage: 'canonical headers',
    culprit: 'a header for tracing was signed, and a balancer wrote its own part into it',
    rule: RULE,
    source: SOURCES.http,
    mend: 'do not sign x-amzn-trace-id and its kind: add them behind the signer',
    apply: function* (inputs) {
      const value = valueOf(inputs, 'x-amzn-trace-id');
      if (value === undefined) return;
      const fields = value.split(';').map((one) => one.trim());
      const kept = fields.filter((one) => !one.startsWith('Self='));
      yield* tryEach(inputs, 'x-amzn-trace-id', [kept.join(';'), kept.join('; '), ...fields]);
    },
  },
  {
    id: 'retry-counter-changed',
    stage: 'canonical headers',
    culprit: 'the counter of attempts was signed, and then counted on',
    rule: 'a retry is another request and is signed anew',
    source: SOURCES.canonicalRequest,
    mend: 'sign inside the retry, or do not sign amz-sdk-request',
    apply: function* (inputs) {
      const value = valueOf(inputs, 'amz-sdk-request') ?? '';
      const attempt = Number(/attempt=(\d{1,2})/.exec(value)?.[1] ?? 0);
      for (let one = attempt - 1; one >= 1; one--)
        yield* tryEach(inputs, 'amz-sdk-request', [
          value.replace(/attempt=\d+/, `attempt=${String(one)}`),
          `attempt=${String(one)}`,
        ]);
    },
  },
  {
    id: 'header-value-changed',
    stage: 'canonical headers',
    culprit: 'a header was signed with another value than it arrived with',
    rule: RULE,
    source: SOURCES.canonicalRequest,
    mend: 'set the header once, before signing, and let nothing behind the signer write it',
    isAlone: true,
    apply: function* (inputs) {
      for (const [name, value] of inputs.headers) {
        yield* tryEach(inputs, name, KNOWN_VALUES[name] ?? []);
        if (name === 'host' || value === '') continue;
        yield* tryEach(inputs, name, [
          `"${value}"`,
          value.replace(/^"(.*)"$/, '$1'),
          value.toLowerCase(),
          value.toUpperCase(),
        ]);
        if (value.includes('%')) yield* tryEach(inputs, name, [decode(value)]);
        if (value.includes(' '))
          yield* tryEach(inputs, name, [value.replaceAll(' ', '+'), value.replaceAll(' ', '%20')]);
        if (value.includes('+')) yield* tryEach(inputs, name, [value.replaceAll('+', ' ')]);
      }
      const lower = inputs.headers.map(([name, value]) => [name, value.toLowerCase()] as const);
      yield { inputs: { ...inputs, headers: lower }, detail: 'all values in lower case' };
    },
  },
];

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
