/**
 * What an activity needs of whoever executes it. The worker binds it to Temporal (`worker/activity-executor.ts`); tests bring their own.
 * Activities themselves know no Temporal, no Postgres and no S3: only ports.
 */
import type { Encryption } from '../core/pipeline.ts';
import type { TrafficListener } from '../core/traffic.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Store } from '../stores/store.ts';
import type { AdaptiveLimiter } from './copy/adaptive-limiter.ts';
import type { ByteBudget } from './copy/byte-budget.ts';
import type { HeartbeatGuard } from './heartbeat-guard.ts';

export interface Log {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** One execution of one activity. */
export interface ActivityRuntime {
  /** From 1; rises with every retry. */
  readonly tryNumber: number;
  /** Unique to this execution: the holder of its claims. */
  readonly holder: string;
  readonly guard: HeartbeatGuard;
  readonly log: Log;
}

/** What the worker's configuration knows of a store. */
export interface StoreFacts {
  readonly etags: 'md5' | 'opaque';
  readonly conditionalWrites: boolean;
  /** The option `unsigned_payload`: bodies that the store proves by their MD5 or CRC go without their SHA-256. Default: false. */
  readonly unsignedPayload?: boolean;
  readonly currency: string;
  readonly perThousandWrites: number;
  readonly perThousandReads: number;
  readonly perGibOut: number;
}

/** Whether what the target is to be encrypted with is there. @throws invalid_config where it is not; what the gateway answers */
export type CheckEncryption = (
  store: string,
  /** Of the pipeline; null: the store's own applies. */
  encryption: Encryption | null,
  signal: AbortSignal,
) => Promise<'exists' | 'not checked'>;

/** What all activities of one worker process share. */
export interface ActivityDeps {
  readonly ledger: Ledger;
  /**
   * A view of the store whose requests are reported to this listener; connections are shared. It may do what the attempt needs there;
   * null is for what belongs to none. @throws invalid_config when unknown
   */
  readonly openStore: (name: string, onTraffic: TrafficListener, attemptId: string | null) => Store;
  readonly storeFacts: (name: string) => StoreFacts;
  /** Absent: nobody is asked. */
  readonly checkEncryption?: CheckEncryption;
  readonly heartbeatTimeoutMs: number;
  readonly memory: ByteBudget;
  readonly limiter: AdaptiveLimiter;
  /** A store whose pages take fewer milliseconds is listed one page after the other. Default: 25. */
  readonly listInParallelMsMin?: number;
}
