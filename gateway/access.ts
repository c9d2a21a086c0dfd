/**
 * Who may do what at a listener: the record of an access key, and the hook that decides. The keyring finds the record, the
 * policy judges the parsed target; neither sees the raw request, so that nothing can be judged that is not what is served.
 */
import type { Credentials } from '../sigv4/types.ts';
import type { Target } from './backend.ts';

/** What an access key stands for. A gateway's record has more: its store, its policy. */
export interface AccessKey {
  /** The name for logs and metrics; never the secret. */
  readonly name: string;
  /** The secrets that are valid now: two while the key rotates. */
  readonly credentials: readonly Credentials[];
  /** Whether a body without a signed hash may be written with this key. */
  readonly allowUnsignedPayload: boolean;
}

export type Verdict = { readonly ok: true } | { readonly ok: false; readonly message: string };

export type FindKey<Key extends AccessKey> = (accessKeyId: string) => Key | undefined;

/** Called once the signature holds, and before any byte of the body is read. Default deny is the policy's duty. */
export type Authorize<Key extends AccessKey> = (key: Key, target: Target) => Verdict;

const ALLOWED: Verdict = { ok: true };

/** For a store with one owner: its key may do everything. */
export const allowEverything = (): Verdict => ALLOWED;
