/** What a listener is made of. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Crypto, WireRequest } from '../../sigv4/types.ts';
import type { BlockList } from 'node:net';
import type { AccessKey, Admit, Authorize, FindKey } from '../keys/access.ts';
import type { Backend } from '../backend.ts';
import type { RequestRecord } from './exchange.ts';
import type { MemoryBudget } from './memory-budget.ts';
import type { TlsPair } from './tls-files.ts';

/** What the listener logs through; pino's loggers are such. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface ListenerLimits {
  /** How long one request may take to arrive whole. */
  readonly requestLimitMs: number;
  /** How long a body that is asked for may bring nothing, and an answer wait for a reader that takes nothing. Default: 60 s. */
  readonly idleLimitMs?: number;
  /** Connections beyond it are closed at once. Default: no limit. */
  readonly connectionsMax?: number;
  /** The same for one address, unless it is a trusted proxy's. */
  readonly connectionsPerAddressMax?: number;
}

export interface ListenerOptions<Key extends AccessKey> {
  readonly findKey: FindKey<Key>;
  /** Default: every key whose signature holds is admitted. */
  readonly admit?: Admit<Key>;
  readonly authorize: Authorize<Key>;
  /** Asked in the moment in which the policy has said yes; what it gives must stay open until the response closes. */
  readonly route: (key: Key, response: ServerResponse) => Backend;
  readonly crypto: Crypto;
  /** The region that callers sign for. */
  readonly region: string;
  readonly now: () => Date;
  readonly limits: ListenerLimits;
  readonly logger: Log;
  /** Called once for every request. */
  readonly onRequest: (record: RequestRecord) => void;
  /** Called for a signature that did not match, of an access key that there is, before the answer goes out. */
  readonly onSignatureRefused?: (requestId: string, request: WireRequest, accessKeyId: string) => void;
  /** What bodies that are held whole may take. Default: no limit. */
  readonly memory?: MemoryBudget;
  /** Whose X-Forwarded-For is believed. Default: nobody's. */
  readonly trustedProxies?: BlockList;
  /** PEM; without it the listener speaks plain HTTP. */
  readonly tls?: TlsPair;
  /**
   * Serves what is not S3 (POST /upload) before anything else looks at it: returns null to leave the request to S3. What it
   * serves it authenticates itself; x-amz-request-id and Server are added to whatever head it writes.
   */
  readonly outside?: (request: IncomingMessage, response: ServerResponse, requestId: string) => Promise<void> | null;
}
