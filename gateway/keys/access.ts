/**
 * Who may do what at a listener: the record of an access key, and the hooks that decide. The keyring finds the record, the
 * policy judges the parsed target; neither sees the raw request, so that nothing can be judged that is not what is served.
 */
import type { Credentials } from '../../sigv4/types.ts';
import type { Target } from '../backend.ts';

/** What an access key stands for. A gateway's record has more: its store, its policy. */
export interface AccessKey {
  /** The name for logs and metrics; never the secret. */
  readonly name: string;
  /** The secrets that are valid now: two while the key rotates. */
  readonly credentials: readonly Credentials[];
  /** Whether a body without a signed hash may be written with this key. */
  readonly allowUnsignedPayload: boolean;
  /** The store that it is bound to, for logs; one store alone need not say. */
  readonly store?: string;
  /** The run that its session was given out for; for logs. */
  readonly run?: string;
}

export type Verdict = { readonly ok: true } | { readonly ok: false; readonly message: string };

/** `sessionToken` is what the request claims, null when it has none; the key's credentials then have the same one. */
export type FindKey<Key extends AccessKey> = (accessKeyId: string, sessionToken: string | null) => Key | undefined;

/** Where a request came from, as far as it can be believed. */
export interface Caller {
  /** The socket's own address, or what a trusted proxy says of it; '' when unknown. */
  readonly address: string;
}

/**
 * Called once the signature holds, and before the target is looked at: whether the key may be used now and from there.
 * @throws access_denied and others, with the S3 code to answer
 */
export type Admit<Key extends AccessKey> = (key: Key, caller: Caller) => void;

/** Called once the key is admitted, and before any byte of the body is read. Default deny is the policy's duty. */
export type Authorize<Key extends AccessKey> = (key: Key, target: Target) => Verdict;

const ALLOWED: Verdict = { ok: true };

/** For a store with one owner: its key may do everything. */
export const allowEverything = (): Verdict => ALLOWED;
