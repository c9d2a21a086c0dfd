/**
 * A known way to sign wrongly, or to change a request after it was signed. Applied to what a correct signer would have used, it
 * gives what the wrong one did use; when the signature holds for that, the cause is proved and not guessed.
 */
import type { PathRule, WireRequest } from '../types.ts';
import type { SigningInputs } from './signing-inputs.ts';

export type Stage =
  | 'method'
  | 'canonical URI'
  | 'canonical query'
  | 'canonical headers'
  | 'signed headers'
  | 'payload hash'
  | 'scope'
  | 'string to sign'
  | 'signing key'
  | 'signature';

/** What is known beside the inputs. */
export interface MutationContext {
  readonly request: WireRequest | null;
  readonly body: Uint8Array | null;
  /** SHA-256 in hex. */
  readonly hash: (data: string | Uint8Array) => string;
  readonly accessKeyId: string;
  /** The rule for paths of the service that the credential names. */
  readonly pathRule: PathRule;
}

export interface Variant {
  readonly inputs: SigningInputs;
  /** What exactly, where one mutation has several forms: a header's name, a region. */
  readonly detail?: string;
}

export interface Mutation {
  /** A wire name: it stands in --json. */
  readonly id: string;
  readonly stage: Stage;
  /** One sentence in the past tense: what was signed instead. */
  readonly culprit: string;
  readonly rule: string;
  readonly source: string;
  readonly mend: string;
  /** Tried alone and not in pairs: it has so many forms that the pairs of all others would go untried. */
  readonly isAlone?: true;
  readonly apply: (inputs: SigningInputs, context: MutationContext) => Iterable<Variant>;
}

export const SOURCES = {
  canonicalRequest: 'AWS, "Create a signed AWS API request", step 1: create a canonical request',
  stringToSign: 'AWS, "Create a signed AWS API request", step 3: create a string to sign',
  signingKey: 'AWS, "Create a signed AWS API request", step 4: derive a signing key',
  s3: 'AWS, "Signature calculations for the Authorization header: transferring payload in a single chunk (S3)"',
  chunks: 'AWS, "Signature calculations for the Authorization header: transferring payload in multiple chunks (S3)"',
  query: 'AWS, "Authenticating requests: using query parameters (S3)"',
  http: 'RFC 9110, "HTTP Semantics"',
} as const;

/** Replaces the value of one header line. */
export const withHeader = (inputs: SigningInputs, name: string, value: string): SigningInputs => ({
  ...inputs,
  headers: inputs.headers.map((line) => (line[0] === name ? [name, value] : line)),
});

export const valueOf = (inputs: SigningInputs, name: string): string | undefined =>
  inputs.headers.find(([candidate]) => candidate === name)?.[1];

/** Leaves a header out of the lines and out of the list. */
export const withoutHeader = (inputs: SigningInputs, name: string): SigningInputs => ({
  ...inputs,
  headers: inputs.headers.filter(([candidate]) => candidate !== name),
  signedHeaders: inputs.signedHeaders
    .split(';')
    .filter((candidate) => candidate !== name)
    .join(';'),
});
