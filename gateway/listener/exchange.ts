/**
 * One request and its answer, as the listener sees them: what is known so far, and the record that accounting gets. The
 * record is made exactly once, at the moment the answer is complete or the connection is lost, whichever comes first, so that
 * whoever has the answer finds it counted.
 */
import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Operation } from '../../core/traffic.ts';
import type { AccessKey } from '../keys/access.ts';
import type { Caller } from './caller.ts';
import type { VerifiedBody } from '../body/verified-body.ts';

/**
 * What a request asks, for the log and the metrics: an operation of S3, or one of the few that are offered beside it (`/sign`, `/session`,
 * `/upload` until it is known what it uploads, `/kms/check`). 'Unknown': it did not say so in a form that we offer.
 */
export type Asked = Operation | 'Sign' | 'Session' | 'Upload' | 'KmsCheck' | 'Unknown';

export interface RequestRecord {
  readonly requestId: string;
  readonly operation: Asked;
  /** 499 when the caller left before the answer was complete. */
  readonly status: number;
  /** The S3 code of a refusal; '' for a success. */
  readonly code: string;
  /** Why, in words that the caller was told too; '' for a success. */
  readonly reason: string;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** '' until a signature held: a name that is claimed is not an identity. */
  readonly accessKeyId: string;
  /** The beginning of the access key id that a refused request claimed, for whoever looks for a revoked or mistyped one. */
  readonly claimed: string;
  /** The name of its key, the store that it is bound to and the run that its session is for; '' until a signature held. */
  readonly key: string;
  readonly store: string;
  readonly run: string;
  /** The form of the signature that held, or 'none'. */
  readonly signedBy: SignedBy;
  /** Where it came from, as far as that can be believed. */
  readonly address: string;
  readonly bucket: string;
  /** The object's key; '' for operations on a bucket. */
  readonly object: string;
  /** Of a copy between two stores: where it was read, and by which key's right. */
  readonly relayed: Relayed | null;
  readonly durationMs: number;
}

export type SignedBy = 'header' | 'presigned' | 'none' | 'bearer';

/** A copy between two stores, as far as it has come. */
export interface Relayed {
  /** Whose right it was to read. */
  readonly key: string;
  readonly store: string;
  readonly bucket: string;
  readonly object: string;
  /** Requests that were sent to the stores, with the bytes of the object that they moved; absent where none was. */
  bytesRead?: number;
  bytesWritten?: number;
}

/** What the listener learns on the way; the answer carries it. */
export interface Exchange {
  readonly requestId: string;
  readonly startedMs: number;
  operation: Asked;
  code: string;
  reason: string;
  accessKeyId: string;
  claimed: string;
  /** Set once a signature held. */
  key: AccessKey | null;
  signedBy: SignedBy;
  readonly address: string;
  bucket: string;
  object: string;
  body: VerifiedBody | null;
  /** Of a copy between two stores: what it asked of them, as its answer tells (`relay/`). */
  relayed: Relayed | null;
  readonly onRecord: (record: RequestRecord) => void;
}

/** Of a request of which nothing is known yet. */
export function createExchange(
  requestId: string,
  address: string,
  onRecord: (record: RequestRecord) => void,
): Exchange {
  return {
    requestId,
    startedMs: performance.now(),
    operation: 'Unknown',
    code: '',
    reason: '',
    accessKeyId: '',
    claimed: '',
    key: null,
    signedBy: 'none',
    address,
    bucket: '',
    object: '',
    body: null,
    relayed: null,
    onRecord,
  };
}

/** Of a request that is not S3's: known by its path, so that also what is refused has a name. */
export function nameOperation(response: ServerResponse, operation: Asked): void {
  if (response instanceof CountedResponse && response.exchange !== null) response.exchange.operation = operation;
}

const SERVER = 'waybill';
/** What a copy between two stores asked of them, for whoever pays for it: `GetObject=1024, PutObject=1024`, in bytes of the object. */
const RELAYED_HEADER = 'x-waybill-requests';

const printRelayed = ({ bytesRead, bytesWritten }: Relayed): string =>
  [
    ...(bytesRead === undefined ? [] : [`GetObject=${String(bytesRead)}`]),
    ...(bytesWritten === undefined ? [] : [`PutObject=${String(bytesWritten)}`]),
  ].join(', ');

/** A response that counts the bytes of its body. Made by node:http itself, so that nothing is patched and no closure is made. */
export class CountedResponse<Request extends IncomingMessage = IncomingMessage>
  extends ServerResponse<Request>
  implements Caller
{
  exchange: Exchange | null = null;
  #bodyBytes = 0;
  #isRecorded = false;
  #abort: AbortController | null = null;
  #onLeave: (() => void) | null = null;

  /** Aborted when the caller leaves before the answer is complete. Made when it is first asked for: most requests never do. */
  get signal(): AbortSignal {
    if (this.#abort === null) {
      this.#abort = new AbortController();
      if (this.hasLeft) this.#abort.abort();
    }
    return this.#abort.signal;
  }

  get hasLeft(): boolean {
    return this.destroyed && !this.writableFinished;
  }

  onLeave(tell: () => void): void {
    this.#onLeave = tell;
    if (this.hasLeft) tell();
  }

  /**
   * The connection is gone, or the answer went out whole. node:http says nothing to a request whose answer has ended before its
   * body, so that whoever still reads the body is told here.
   */
  close(): void {
    this.exchange?.body?.abandon();
    if (this.writableFinished) return;
    this.record(true);
    this.#abort?.abort();
    this.#onLeave?.();
  }

  /** Every answer says who gave it and under which id, whoever writes its head. */
  override writeHead(statusCode: number, ...rest: unknown[]): this {
    const exchange = this.exchange;
    const headers = rest.at(-1);
    if (exchange !== null && Array.isArray(headers)) {
      // As one list: headers that were set before would make node:http merge them name by name.
      const own = ['x-amz-request-id', exchange.requestId, 'Server', SERVER];
      if (exchange.relayed !== null) own.push(RELAYED_HEADER, printRelayed(exchange.relayed));
      rest[rest.length - 1] = [...(headers as unknown[]), ...own];
    } else if (exchange !== null) {
      this.setHeader('x-amz-request-id', exchange.requestId);
      this.setHeader('Server', SERVER);
      if (exchange.relayed !== null) this.setHeader(RELAYED_HEADER, printRelayed(exchange.relayed));
    }
    return (super.writeHead as (...all: unknown[]) => this).call(this, statusCode, ...rest);
  }

  override write(chunk: unknown, ...rest: unknown[]): boolean {
    this.#bodyBytes += toLength(chunk);
    return (super.write as (...all: unknown[]) => boolean).call(this, chunk, ...rest);
  }

  override end(...all: unknown[]): this {
    // node:http writes the chunk of end() by itself, not through write().
    if (all.length > 0) this.#bodyBytes += toLength(all[0]);
    (super.end as (...all: unknown[]) => this).apply(this, all);
    this.record();
    return this;
  }

  /** Makes the record, the first time that it is called. */
  record(isLost = false): void {
    const exchange = this.exchange;
    if (exchange === null || this.#isRecorded) return;
    this.#isRecorded = true;
    exchange.onRecord(toRecord(exchange, isLost ? 499 : this.statusCode, this.#bodyBytes));
  }
}

function toLength(chunk: unknown): number {
  return typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk instanceof Uint8Array ? chunk.length : 0;
}

export function toRecord(exchange: Exchange, status: number, bytesOut: number): RequestRecord {
  const { key } = exchange;
  return {
    requestId: exchange.requestId,
    operation: exchange.operation,
    status,
    code: exchange.code,
    reason: exchange.reason,
    bytesIn: exchange.body?.bytesRead ?? 0,
    bytesOut,
    accessKeyId: exchange.accessKeyId,
    claimed: exchange.claimed,
    key: key?.name ?? '',
    store: key?.store ?? '',
    run: key?.run ?? '',
    signedBy: exchange.signedBy,
    address: exchange.address,
    bucket: exchange.bucket,
    object: exchange.object,
    relayed: exchange.relayed,
    durationMs: performance.now() - exchange.startedMs,
  };
}
