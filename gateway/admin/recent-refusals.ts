/** The last refusals, in memory, for whoever wonders why something is refused right now. */
import type { RequestRecord } from '../listener/exchange.ts';
import type { RefusalFinding } from './explain-refusals.ts';

export interface Refusal {
  readonly at: string;
  readonly requestId: string;
  readonly status: number;
  readonly code: string;
  readonly reason: string;
  readonly key: string;
  /** The beginning of the access key id that was claimed; '' where a signature held. */
  readonly claimed: string;
  readonly operation: string;
  readonly store: string;
  readonly bucket: string;
  readonly address: string;
  /** Of a signature that did not match, where `gateway.explain` is on; it comes a moment later. */
  readonly finding?: RefusalFinding;
}

const KEPT_MAX = 100;

export class RecentRefusals {
  readonly #kept: Refusal[] = [];

  add(record: RequestRecord, at: Date): void {
    if (this.#kept.length >= KEPT_MAX) this.#kept.shift();
    const { requestId, status, code, reason, key, claimed, operation, store, bucket, address } = record;
    this.#kept.push({
      at: at.toISOString(),
      requestId,
      status,
      code,
      reason,
      key,
      claimed,
      operation,
      store,
      bucket,
      address,
    });
  }

  /** Does nothing when the refusal is no longer kept. */
  explain(requestId: string, finding: RefusalFinding): void {
    const index = this.#kept.findIndex((refusal) => refusal.requestId === requestId);
    const refusal = this.#kept[index];
    if (refusal !== undefined) this.#kept[index] = { ...refusal, finding };
  }

  /** The latest first. */
  list(): readonly Refusal[] {
    return [...this.#kept].reverse();
  }
}
