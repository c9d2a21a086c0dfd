/** What a plan says of one object, and how a batch of it is stored. Keys are source keys; the pipeline maps them to target keys. */
import { WaybillError } from '../../core/failures.ts';
import { packBody, unpackBody } from '../../manifest/pack-body.ts';

/** What the plan saw at the target, which the write is made conditional on. `unknown`: the target was not listed. */
export type Expected = { readonly absent: true } | { readonly etag: string } | { readonly unknown: true };

export interface CopyAction {
  /** `repair`: it was delivered before, and was lost or changed at the target. */
  readonly op: 'copy' | 'repair';
  readonly key: string;
  readonly sizeBytes: number;
  /** The manifest's: the read is conditional on it. */
  readonly etag: string;
  readonly expected: Expected;
}

/** The target holds the same bytes already; only the ledger does not know. */
export interface AdoptAction {
  readonly op: 'adopt';
  readonly key: string;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly targetEtag: string;
  /** What proves it. */
  readonly checksum: string;
}

export type Action = CopyAction | AdoptAction;

export const packActions = (json: string): Uint8Array => packBody(new TextEncoder().encode(json));

export function unpackActions(body: Uint8Array): readonly Action[] {
  const actions: unknown = JSON.parse(new TextDecoder().decode(unpackBody(body)));
  if (!Array.isArray(actions)) throw new WaybillError('unclassified', 'a batch is an array of actions');
  return actions as Action[];
}
