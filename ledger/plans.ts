/** What an attempt is to do, in batches. */
import type { Sha256Hex } from '../core/ids.ts';
import type { Fence } from './fence.ts';

export interface PlanBatch {
  readonly ordinal: number;
  readonly kind: 'objects' | 'large';
  readonly objects: number;
  readonly sizeBytes: number;
  /** JSON of the actions, compressed by the caller. */
  readonly body: Uint8Array;
}

export interface PlanLedger {
  findTarget(fingerprint: Sha256Hex): Promise<string | null>;
  saveBatches(fence: Fence, batches: readonly PlanBatch[]): Promise<void>;
  loadBatch(attemptId: string, ordinal: number): Promise<PlanBatch>;
  savePlanHash(fence: Fence, planHash: Sha256Hex): Promise<void>;
}
