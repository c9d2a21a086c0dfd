/** What goes wrong in the derivation of the signing key. Each is tried with the texts as they should be. */
import { toHex } from '../hex.ts';
import type { Crypto } from '../types.ts';
import { SOURCES, type Mutation } from './mutation.ts';
import type { SigningInputs } from './signing-inputs.ts';

type Derive = (crypto: Crypto, secret: string, inputs: SigningInputs) => Uint8Array | string;

const chain = (crypto: Crypto, first: Uint8Array | string, links: readonly string[]): Uint8Array | string =>
  links.reduce<Uint8Array | string>((key, text) => crypto.hmacSha256(key, text), first);

const linksOf = ({ scope }: SigningInputs): readonly string[] => [
  scope.date,
  scope.region,
  scope.service,
  scope.terminator,
];

const WAYS: readonly (readonly [detail: string, derive: Derive])[] = [
  ['without the AWS4 before the secret', (crypto, secret, inputs) => chain(crypto, secret, linksOf(inputs))],
  [
    'the finished key as a text of hex digits instead of its bytes',
    (crypto, secret, inputs) => toText(chain(crypto, `AWS4${secret}`, linksOf(inputs))),
  ],
  [
    'each step as a text of hex digits instead of its bytes',
    (crypto, secret, inputs) =>
      linksOf(inputs).reduce<string>((key, text) => toText(crypto.hmacSha256(key, text)), `AWS4${secret}`),
  ],
  [
    'region and service in the other order',
    (crypto, secret, { scope }) =>
      chain(crypto, `AWS4${secret}`, [scope.date, scope.service, scope.region, scope.terminator]),
  ],
  [
    'without aws4_request as its last step',
    (crypto, secret, { scope }) => chain(crypto, `AWS4${secret}`, [scope.date, scope.region, scope.service]),
  ],
  [
    'with the whole time of x-amz-date instead of its date',
    (crypto, secret, { amzDate, scope }) =>
      chain(crypto, `AWS4${secret}`, [amzDate, scope.region, scope.service, scope.terminator]),
  ],
  [
    'with key and text of each HMAC as swapped arguments',
    (crypto, secret, inputs) =>
      linksOf(inputs).reduce<Uint8Array | string>((text, key) => hmacOfBytes(crypto, key, text), `AWS4${secret}`),
  ],
  ['not at all: the secret itself was the signing key', (_crypto, secret) => secret],
  ['not at all: AWS4 and the secret were the signing key', (_crypto, secret) => `AWS4${secret}`],
];

export const KEY_MUTATIONS: readonly Mutation[] = [
  {
    id: 'key-derivation',
    stage: 'signing key',
    culprit: 'the signing key was derived wrongly',
    rule: 'HMAC over date, region, service and aws4_request in this order, from "AWS4" + secret; each step takes the bytes of the one before',
    source: SOURCES.signingKey,
    mend: 'derive it as kDate, kRegion, kService, kSigning, and keep the bytes between the steps (digest(), not hexdigest())',
    apply: (inputs) => WAYS.map(([detail, deriveKey]) => ({ inputs: { ...inputs, deriveKey }, detail })),
  },
];

const toText = (key: Uint8Array | string): string => (typeof key === 'string' ? key : toHex(key));

/** The injected HMAC signs texts only; over bytes it is written out by its definition (RFC 2104), blocks of 64. */
function hmacOfBytes(crypto: Crypto, key: string, data: Uint8Array | string): Uint8Array {
  if (typeof data === 'string') return crypto.hmacSha256(key, data);
  const given = new TextEncoder().encode(key);
  const block = new Uint8Array(64);
  block.set(given.length > 64 ? crypto.sha256(given) : given);
  const inner = crypto.sha256(
    join(
      block.map((byte) => byte ^ 0x36),
      data,
    ),
  );
  return crypto.sha256(
    join(
      block.map((byte) => byte ^ 0x5c),
      inner,
    ),
  );
}

function join(first: Uint8Array, second: Uint8Array): Uint8Array {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}
