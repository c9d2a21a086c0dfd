/** One request to S3 before it has an address and a signature. Names and values are undecoded text; nothing is encoded yet. */
import type { AnswerHeaders } from '../../http1/exchange.ts';
import type { Operation } from '../../core/traffic.ts';
import type { ReadInto } from '../store.ts';
import type { PreparedBody } from './prepared-body.ts';

export type Pairs = readonly (readonly [name: string, value: string])[];

export interface S3Call {
  readonly operation: Operation;
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  readonly bucket: string;
  /** Absent for an operation on the bucket itself. */
  readonly key?: string;
  readonly query?: Pairs | undefined;
  /** Lower-case names, values as wire text: one character a byte. */
  readonly headers?: Pairs;
  readonly body?: PreparedBody;
  /** What an object of this length is read into. */
  readonly into?: ReadInto | undefined;
  /** Its answer is read once: it comes in memory that is given back. */
  readonly isLent?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Of a write: asked when it leaves, and what it throws keeps it back. */
  readonly assertMayWrite?: (() => void) | undefined;
  /** Told the head of any answer, or null of a request that was sent and had none; who is told counts it, and not as this call. */
  readonly onAnswer?: (headers: AnswerHeaders | null) => void;
}
