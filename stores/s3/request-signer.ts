/**
 * Who signs a request to a store, as a port: in this process with a secret (`local-signer.ts`), or somebody else who holds the secret
 * and gives back what is to be sent, as the gateway does at POST /sign (worker/remote-signer.ts).
 */
import type { S3Call } from './s3-call.ts';

export interface SignedCall {
  /** scheme://HOST[:PORT] */
  readonly origin: string;
  /** Path and query as they go over the wire. */
  readonly target: string;
  /** Names and values in turn, host among them; to be sent as they are. */
  readonly headers: string[];
  /** Of `performance.now()`: a request that has not begun by then is signed again. Absent: it is sent at once. */
  readonly beginBeforeMs?: number;
}

export interface RequestSigner {
  /**
   * At once wherever that is possible: a promise for each request would cost more than its signature.
   * @throws store_refused for what cannot be addressed; what a remote signer answers
   */
  sign(call: S3Call): SignedCall | Promise<SignedCall>;
}
