/** What a listener is made of. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Crypto } from '../sigv4/types.ts';
import type { AccessKey, Authorize, FindKey } from './access.ts';
import type { Backend } from './backend.ts';
import type { RequestRecord } from './exchange.ts';

/** What the listener logs through; pino's loggers are such. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface ListenerLimits {
  /** How long one request may take to arrive whole, and how long an answer may wait for a reader that does not read. */
  readonly requestLimitMs: number;
}

export interface ListenerOptions<Key extends AccessKey> {
  readonly findKey: FindKey<Key>;
  readonly authorize: Authorize<Key>;
  readonly route: (key: Key) => Backend;
  readonly crypto: Crypto;
  /** The region that callers sign for. */
  readonly region: string;
  readonly now: () => Date;
  readonly limits: ListenerLimits;
  readonly logger: Log;
  /** Called once for every request. */
  readonly onRequest: (record: RequestRecord) => void;
  /** PEM; without it the listener speaks plain HTTP. */
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer };
  /**
   * Serves what is not S3 (POST /upload) before anything else looks at it: returns null to leave the request to S3. What it
   * serves it authenticates itself; x-amz-request-id and Server are added to whatever head it writes.
   */
  readonly outside?: (request: IncomingMessage, response: ServerResponse, requestId: string) => Promise<void> | null;
}
