/** What every client is asked to do, in its own way and with its own defaults. */
import type { Endpoint } from './endpoints.ts';

export interface Attributes {
  readonly contentType: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What the client itself says of an object; absent what it has no word for. */
export interface Told {
  readonly sizeBytes?: number;
  readonly etag?: string;
  readonly contentType?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** One client at one endpoint. Bodies are files; keys are of the endpoint's bucket. Whatever fails rejects. */
export interface ClientSession {
  put(key: string, file: string, attributes: Attributes): Promise<void>;
  /** With parts of 5 MiB. */
  putMultipart(key: string, file: string, attributes: Attributes): Promise<void>;
  get(key: string, file: string): Promise<Told>;
  head(key: string): Promise<Told>;
  /** All keys under the prefix, over as many pages as it takes. */
  list(prefix: string): Promise<readonly string[]>;
  copy(from: string, to: string): Promise<void>;
  delete(keys: readonly string[]): Promise<void>;
  presignGet(key: string): Promise<string>;
  presignPut(key: string): Promise<string>;
  close(): Promise<void>;
}

export type ClientOperation = Exclude<keyof ClientSession, 'close'>;

export interface Client {
  readonly name: string;
  /** As the client itself tells it; rejects, or null, where it is not to be had. */
  version(): Promise<string | null>;
  open(endpoint: Endpoint, scratch: string): Promise<ClientSession>;
  /** What it has no command for. */
  readonly lacks: readonly ClientOperation[];
  /** It cannot send user metadata, though it can put. */
  readonly withoutMetadata?: boolean;
}
