/** What a person has of a request that failed, whatever the form in which it came; everything but the kind may be missing. */
import type { WireRequest } from '../types.ts';
import type { Answer } from './find-answer.ts';

export const EVIDENCE_KINDS = ['http', 'curl', 'url', 'har', 'log', 'error'] as const;
export type EvidenceKind = (typeof EVIDENCE_KINDS)[number];

export interface Evidence {
  readonly kind: EvidenceKind;
  /** For people: where it came from, such as "botocore debug log". */
  readonly label: string;
  readonly request: WireRequest | null;
  /** Null when it is not known; empty when it is known to be empty. */
  readonly body: Uint8Array | null;
  /** What the client or the server says that it computed. */
  readonly canonicalRequest: string | null;
  readonly stringToSign: string | null;
  readonly signature: string | null;
  readonly accessKeyId: string | null;
  /** The S3 code and message of an error document. */
  readonly error: {
    readonly code: string;
    readonly message: string;
    /** What else the document says, by its names. */
    readonly details?: readonly (readonly [name: string, value: string])[];
  } | null;
  /** The command signs it when it runs: that it has no signature yet is no fault. */
  readonly isSignedLater?: boolean;
  /** What the same text says came of it. */
  readonly answer?: Answer;
  /** What was noticed while reading it, each a sentence. */
  readonly notes: readonly string[];
}

const NOTHING: Omit<Evidence, 'kind' | 'label'> = {
  request: null,
  body: null,
  canonicalRequest: null,
  stringToSign: null,
  signature: null,
  accessKeyId: null,
  error: null,
  notes: [],
};

export const toEvidence = (
  kind: EvidenceKind,
  label: string,
  found: Partial<Omit<Evidence, 'kind' | 'label'>>,
): Evidence => ({ kind, label, ...NOTHING, ...found });
