/** The last refusals, in memory, for whoever wonders why something is refused right now. */
import type { RequestRecord } from '../listener/exchange.ts';

export interface Refusal {
  readonly at: string;
  readonly requestId: string;
  readonly status: number;
  readonly code: string;
  readonly reason: string;
  readonly key: string;
  readonly operation: string;
  readonly store: string;
  readonly bucket: string;
  readonly address: string;
}

const KEPT_MAX = 100;

export class RecentRefusals {
  readonly #kept: Refusal[] = [];

  add(record: RequestRecord, at: Date): void {
    if (this.#kept.length >= KEPT_MAX) this.#kept.shift();
    const { requestId, status, code, reason, key, operation, store, bucket, address } = record;
    this.#kept.push({
      at: at.toISOString(),
      requestId,
      status,
      code,
      reason,
      key,
      operation,
      store,
      bucket,
      address,
    });
  }

  /** The latest first. */
  list(): readonly Refusal[] {
    return [...this.#kept].reverse();
  }
}
