/**
 * A run without Temporal: the activities over a real ledger and any stores, called in the workflow's order and tried again as Temporal
 * would, at once. What an execution dies of is the test's to say.
 */
import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { AdaptiveLimiter } from '../../activities/copy/adaptive-limiter.ts';
import { ByteBudget } from '../../activities/copy/byte-budget.ts';
import type { HeartbeatGuard } from '../../activities/heartbeat-guard.ts';
import { createActivities } from '../../activities/index.ts';
import type { ActivityDeps } from '../../activities/runtime.ts';
import type { Activities, FinalizeResult } from '../../activities/types.ts';
import { FAILURES, failureTypeOf, WaybillError } from '../../core/failures.ts';
import { MiB } from '../../core/limits.ts';
import type { PipelineSpec } from '../../core/pipeline.ts';
import { toTargetFingerprint } from '../../manifest/target-fingerprint.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { Store } from '../../stores/store.ts';
import { addCounts, NO_COUNTS } from '../../workflows/counts.ts';

export interface Drive {
  readonly ledger: Ledger;
  readonly stores?: Readonly<Record<string, Store>>;
  /** Instead of `stores`. */
  readonly openStore?: ActivityDeps['openStore'];
  readonly spec: PipelineSpec;
  readonly runId: string;
  readonly facts?: {
    readonly etags?: 'md5' | 'opaque';
    readonly conditionalWrites?: boolean;
    readonly unsignedPayload?: boolean;
  };
  /** True: the executing process is dead, and neither its stores nor the ledger hear of it again. Asked at every write. */
  readonly isDead?: () => boolean;
  /** A new process goes on. */
  readonly revive?: () => void;
}

export interface Driven {
  readonly runUuid: string;
  readonly end: FinalizeResult;
  /** Types of the failures that Temporal would have seen, in order. */
  readonly failures: readonly string[];
}

const TRIES_MAX = 8;

/** @throws the failure that ends the run */
export async function driveRun(drive: Drive): Promise<Driven> {
  const { ledger, spec } = drive;
  const { run } = await ledger.accept({
    pipeline: spec.name,
    mode: 'run',
    runId: drive.runId,
    nominalAt: null,
    spec,
    targetFingerprint: toTargetFingerprint(spec),
    again: true,
    idempotency: null,
  });
  const failures: string[] = [];
  let tryNumber = 1;
  const activities = buildActivities(drive, () => tryNumber);
  const call = async <T>(activity: (activities: Activities) => Promise<T>): Promise<T> => {
    for (tryNumber = 1; ; tryNumber++) {
      try {
        return await activity(activities);
      } catch (error) {
        const type = failureTypeOf(error);
        failures.push(type);
        if (!FAILURES[type].retryable || tryNumber === TRIES_MAX) throw error;
        drive.revive?.();
      }
    }
  };
  const { fence } = await call((a) => a.begin({ runUuid: run.id, attemptId: run.attempt.attemptId }));
  await call((a) => a.list({ fence }));
  const manifest = await call((a) => a.buildManifest({ fence }));
  const { planHash, counts: plan } = await call((a) => a.plan({ fence, manifest }));
  const { manifestHash } = manifest;
  let counts = NO_COUNTS;
  for (let ordinal = 0; ordinal < plan.batches; ordinal++) {
    const step = { fence, manifestHash, ordinal };
    let result = await call((a) => a.copyBatch(step));
    if (result.large !== null) {
      for (let partBatch = 0; partBatch < result.large.partBatches; partBatch++) {
        await call((a) => a.copyParts({ ...step, partBatch }));
      }
      result = await call((a) => a.completeLarge(step));
    }
    counts = addCounts(counts, result.counts);
  }
  const end = await call((a) => a.finalize({ fence, manifest, planHash, plan, counts }));
  return { runUuid: run.id, end, failures };
}

function buildActivities(drive: Drive, tryNumber: () => number): Activities {
  const { ledger, spec, stores = {}, facts } = drive;
  const log = { info: (): void => undefined, warn: (): void => undefined };
  return createActivities(
    {
      ledger,
      openStore: drive.openStore ?? ((name) => stores[name] as Store),
      storeFacts: (name) => ({
        etags: name === spec.target.store ? (facts?.etags ?? 'md5') : 'md5',
        conditionalWrites: facts?.conditionalWrites ?? true,
        unsignedPayload: name === spec.target.store && facts?.unsignedPayload === true,
        currency: 'USD',
        perThousandWrites: 0.005,
        perThousandReads: 0.0004,
        perGibOut: 0.09,
      }),
      heartbeatTimeoutMs: 1000,
      memory: new ByteBudget(64 * MiB),
      limiter: new AdaptiveLimiter({ min: 2, start: 16, max: 16 }),
    },
    {
      short: (work) => work({ workflowRunId: `workflow of ${drive.runId}`, log }),
      long: (work) => work({ tryNumber: tryNumber(), holder: randomUUID(), guard: createGuard(drive), log }),
    },
    () => spec,
  );
}

/** Once it found its process dead, it stays so: an execution does not come back to life with the next process. */
function createGuard({ isDead }: Drive): HeartbeatGuard {
  const controller = new AbortController();
  // Every request that is under way listens.
  setMaxListeners(0, controller.signal);
  const assertCurrent = (): void => {
    if (!controller.signal.aborted && isDead?.() === true) {
      controller.abort(new WaybillError('heartbeat_lost', 'the process of this execution is dead'));
    }
    if (controller.signal.aborted) throw controller.signal.reason;
  };
  return { signal: controller.signal, assertCurrent, assertMayWrite: assertCurrent };
}
