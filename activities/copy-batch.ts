/**
 * Copies one batch of the plan. Every object ends delivered, or as an outcome, or fails the activity, which Temporal then retries: what
 * was delivered is in the ledger by then, and is not copied again; what a killed worker had written and not recorded is found at the target.
 *
 * A failure that is an object's own (changed, in conflict, denied) is its outcome at once. One that may pass (a 5xx, a corrupt body) is
 * tried again, with the batch; what still fails after `BATCH_TRIES` while the store serves others becomes an outcome too, so that one
 * bad object does not hold up the rest. A store that serves nobody is waited for.
 */
import { BATCH_PARTS, PART_BYTES_DEFAULT } from '../core/limits.ts';
import { toTargetKey } from '../core/pipeline.ts';
import type { DeliveryRecord, OutcomeRecord } from '../ledger/ledger.ts';
import { copyMultipart } from './copy/copy-multipart.ts';
import { copyRelayed } from './copy/copy-relayed.ts';
import { copyWhole } from './copy/copy-whole.ts';
import { copyPartsWithin } from './copy/copy-parts-within.ts';
import { copyWithin } from './copy/copy-within.ts';
import { findStanding } from './copy/find-standing.ts';
import { PARTS_IN_FLIGHT } from './copy/copy-parts.ts';
import { openUpload } from './copy/open-upload.ts';
import { buildOutcome, isStoreWide, toLastResort, toOutcome } from './copy/outcome-of.ts';
import { isAccepted, isOfSignature } from './copy/own-signature.ts';
import { retryTransient, untilNextTry } from './copy/retry-transient.ts';
import { toSourcePartLayout } from './copy/source-part-layout.ts';
import { splitDelivered } from './copy/split-delivered.ts';
import { toCounts } from './copy/to-counts.ts';
import { toDelivery } from './copy/to-delivery.ts';
import { createTransfer, type Transfer } from './copy/transfer.ts';
import { unpackActions, type Action, type CopyAction } from './plan/action.ts';
import { runStep } from './run-step.ts';
import type { ActivityDeps, ActivityRuntime } from './runtime.ts';
import type { BatchResult, BatchStep } from './types.ts';

/** Failures that are not the objects' own, after which the rest of a batch would only fail the same way: of 2,500 objects, 0.8 %. */
const STORE_WIDE_FAILURES = 20;

export async function copyBatch(deps: ActivityDeps, runtime: ActivityRuntime, input: BatchStep): Promise<BatchResult> {
  const { fence, manifestHash, ordinal } = input;
  const batch = await deps.ledger.loadBatch(fence.attemptId, ordinal);
  const actions = unpackActions(batch.body);
  const stepName = batch.kind === 'large' ? 'create' : 'copy';
  return runStep(deps, runtime, fence, { manifestHash, step: stepName, ordinal }, async (step) => {
    const { spec } = await deps.ledger.loadAttempt(fence);
    const transfer = createTransfer(step, spec);
    const [only] = actions;
    if (batch.kind === 'large' && only !== undefined && only.op !== 'adopt') return openLarge(transfer, only);
    return copyAll(transfer, actions);
  });
}

/**
 * The first step of a large object, and the only one where its parts are one group: two steps more cost Temporal and Postgres as much as
 * a hundred MiB cost the worker. An outcome that is final already needs no parts.
 */
async function openLarge(transfer: Transfer, action: CopyAction): Promise<BatchResult> {
  const { deps, runtime, deliveries, outcomes } = transfer.step;
  const { parts } = toSourcePartLayout(action.etag, action.sizeBytes, deps.memory.totalBytes / PARTS_IN_FLIGHT);
  const isOneGroup = parts <= BATCH_PARTS;
  const { done } = await splitDelivered(transfer, [action]);
  if (done.length > 0) return { counts: toCounts(done, 0), large: null };
  try {
    const delivered =
      (await copyPartsWithin(transfer, action)) ??
      (isOneGroup ? await retryTransient(transfer, () => copyMultipart(transfer, action)) : null);
    if (delivered !== null) {
      deliveries.push(delivered);
      return { counts: toCounts([action], 0), large: null };
    }
    const { upload } = await retryTransient(transfer, () => openUpload(transfer, action));
    return { counts: toCounts([], 0), large: { partBatches: Math.ceil(upload.layout.parts / BATCH_PARTS) } };
  } catch (error) {
    const isOwn = isOfSignature(error) && (await isAccepted(transfer, action.key));
    const code = isOwn
      ? 'store_error'
      : (toOutcome(error) ?? (isOneGroup ? toLastResort(error, runtime.tryNumber, false) : null));
    if (code === null) throw error;
    outcomes.push(buildOutcome(action.key, code, error));
    return { counts: toCounts([], 1), large: null };
  }
}

/** What has come of the objects of a batch in this execution. */
interface Tally {
  /** Delivered now or before. */
  readonly done: Action[];
  /** May pass when they are tried again. */
  readonly failed: { readonly action: CopyAction; readonly error: unknown }[];
  /** How many of `failed` are the store's failures rather than the object's. */
  storeWide: number;
  /** Ended in an outcome. */
  refused: number;
  /** Copied in this execution. */
  served: number;
  /** Whether the store knows the credentials; asked once a signature did not match. */
  isSigned: Promise<boolean> | null;
}

async function copyAll(transfer: Transfer, actions: readonly Action[]): Promise<BatchResult> {
  const { spec } = transfer;
  const { deps, runtime, fence } = transfer.step;
  const { done, todo } = await splitDelivered(transfer, actions);
  const tally: Tally = { done, failed: [], storeWide: 0, refused: 0, served: 0, isSigned: null };
  const standing = await findStanding(transfer, todo);
  const queue = adoptAndQueue(transfer, todo, standing, tally);
  let next = 0;
  const stores = [spec.source.store, spec.target.store];
  await deps.limiter.run({ run: fence.attemptId, stores }, () =>
    next < queue.length && !runtime.guard.signal.aborted && tally.storeWide < STORE_WIDE_FAILURES
      ? copyOne(transfer, queue[next++] as CopyAction, tally)
      : null,
  );
  runtime.guard.signal.throwIfAborted();
  for (const { action, error } of tally.failed) {
    const code = next < queue.length ? null : toLastResort(error, runtime.tryNumber, tally.served > 0);
    if (code === null) throw error;
    refuse(transfer, tally, buildOutcome(action.key, code, error));
  }
  runtime.log.info({ copied: done.length, refused: tally.refused, limit: deps.limiter.limit }, 'a batch is done');
  return { counts: toCounts(done, tally.refused), large: null };
}

/** What stands at the target already is delivered by saying so; the rest is to be copied. */
function adoptAndQueue(
  { step, spec }: Transfer,
  todo: readonly Action[],
  standing: ReadonlySet<string>,
  { done }: Tally,
): readonly CopyAction[] {
  const queue: CopyAction[] = [];
  for (const action of todo) {
    const key = toTargetKey(spec, action.key);
    if (action.op === 'adopt') {
      const { targetEtag, checksum } = action;
      step.deliveries.push(toDelivery(action, { key, targetEtag, checksum }));
    } else if (standing.has(key)) {
      step.deliveries.push(toDelivery(action, { key, targetEtag: action.etag, checksum: `md5:${action.etag}` }));
    } else {
      queue.push(action);
      continue;
    }
    done.push(action);
  }
  return queue;
}

/** Never rejects. One function for all tries of an object: each around the next costs promises, and this is run for every object. */
async function copyOne(transfer: Transfer, action: CopyAction, tally: Tally): Promise<void> {
  const { step } = transfer;
  const startedAt = performance.now();
  for (let tries = 1; ; tries++) {
    try {
      try {
        step.deliveries.push(await copyObject(transfer, action));
      } catch (error) {
        await untilNextTry(transfer, error, tries);
        continue;
      }
      const steady = action.sizeBytes <= PART_BYTES_DEFAULT;
      step.deps.limiter.succeeded(steady ? performance.now() - startedAt : undefined);
      tally.served += 1;
      tally.done.push(action);
      return;
    } catch (error) {
      await fail(transfer, tally, action, error);
      return;
    }
  }
}

async function fail(transfer: Transfer, tally: Tally, action: CopyAction, error: unknown): Promise<void> {
  const isOwn = isOfSignature(error) && (await (tally.isSigned ??= isAccepted(transfer, action.key)));
  const code = isOwn ? 'store_error' : toOutcome(error);
  if (code !== null) {
    refuse(transfer, tally, buildOutcome(action.key, code, error));
    return;
  }
  tally.failed.push({ action, error });
  if (isStoreWide(error)) tally.storeWide += 1;
}

function refuse({ step }: Transfer, tally: Tally, outcome: OutcomeRecord): void {
  tally.refused += 1;
  step.outcomes.push(outcome);
}

function copyObject(transfer: Transfer, action: CopyAction): Promise<DeliveryRecord> {
  return transfer.within.isOffered ? copyWithinOrNot(transfer, action) : copyBytes(transfer, action);
}

async function copyWithinOrNot(transfer: Transfer, action: CopyAction): Promise<DeliveryRecord> {
  return (await copyWithin(transfer, action)) ?? copyBytes(transfer, action);
}

async function copyBytes(transfer: Transfer, action: CopyAction): Promise<DeliveryRecord> {
  const { memory } = transfer.step.deps;
  const isCut = toSourcePartLayout(action.etag, action.sizeBytes, memory.totalBytes / PARTS_IN_FLIGHT).parts > 1;
  if (isCut || action.sizeBytes > PART_BYTES_DEFAULT) return copyMultipart(transfer, action);
  // Also where the gateway copies, whose memory it bounds then; what nobody writes to takes none here.
  const lent = memory.tryLend(action.sizeBytes) ?? (await memory.lend(action.sizeBytes));
  try {
    return (await copyRelayed(transfer, action)) ?? (await copyWhole(transfer, action, lent.memory));
  } finally {
    lent.giveBack();
  }
}
