/**
 * The steps of a large object after its upload was opened: groups of parts, in order, for the running hash goes from one to the next;
 * then its completion. Where the upload was lost on the way (aborted by somebody, bytes that did not agree), the groups that are left
 * do nothing and the completion copies what is missing, from the start if need be.
 */
import { isWaybillError } from '../core/failures.ts';
import { BATCH_PARTS } from '../core/limits.ts';
import { toTargetKey } from '../core/pipeline.ts';
import { isIntent } from './copy/abort-upload.ts';
import { copyMultipart } from './copy/copy-multipart.ts';
import { copyParts as copyPartRun } from './copy/copy-parts.ts';
import { buildOutcome, toLastResort, toOutcome } from './copy/outcome-of.ts';
import { retryTransient } from './copy/retry-transient.ts';
import { splitDelivered } from './copy/split-delivered.ts';
import { toCounts } from './copy/to-counts.ts';
import { createTransfer } from './copy/transfer.ts';
import { unpackActions, type CopyAction } from './plan/action.ts';
import { runStep } from './run-step.ts';
import type { ActivityDeps, ActivityRuntime } from './runtime.ts';
import type { BatchResult, BatchStep, PartsStep } from './types.ts';

/** Groups of parts of one batch have ordinals of their own: a batch has at most 10,000 / 64 = 157 of them. */
const GROUPS_MAX = 1000;

export async function copyParts(deps: ActivityDeps, runtime: ActivityRuntime, input: PartsStep): Promise<void> {
  const { fence, manifestHash, ordinal, partBatch } = input;
  const key = { manifestHash, step: 'parts', ordinal: ordinal * GROUPS_MAX + partBatch } as const;
  await runStep(deps, runtime, fence, key, async (step) => {
    const { spec } = await deps.ledger.loadAttempt(fence);
    const action = await loadLarge(deps, input);
    const upload =
      fence.targetId === null ? null : await deps.ledger.loadUpload(fence.targetId, toTargetKey(spec, action.key));
    if (upload === null || isIntent(upload) || upload.sourceEtag !== action.etag) return { parts: 0 };
    const recorded = await deps.ledger.loadParts(upload.uploadId);
    const last = Math.min(upload.layout.parts, (partBatch + 1) * BATCH_PARTS);
    const from = recorded.length + 1;
    if (from > last || from <= partBatch * BATCH_PARTS) return { parts: 0 };
    try {
      const run = { upload, from, to: last, before: recorded.at(-1) };
      return { parts: (await copyPartRun(createTransfer(step, spec), action, run)).length };
    } catch (error) {
      // The completion meets it again, and makes it the object's outcome.
      if (toOutcome(error) !== null || (isWaybillError(error) && error.type === 'no_such_upload')) return { parts: 0 };
      throw error;
    }
  });
}

export async function completeLarge(
  deps: ActivityDeps,
  runtime: ActivityRuntime,
  input: BatchStep,
): Promise<BatchResult> {
  const { fence, manifestHash, ordinal } = input;
  return runStep(deps, runtime, fence, { manifestHash, step: 'complete', ordinal }, async (step) => {
    const { spec } = await deps.ledger.loadAttempt(fence);
    const transfer = createTransfer(step, spec);
    const action = await loadLarge(deps, input);
    const { done } = await splitDelivered(transfer, [action]);
    if (done.length > 0) return { counts: toCounts(done, 0), large: null };
    try {
      step.deliveries.push(await retryTransient(transfer, () => copyMultipart(transfer, action)));
      return { counts: toCounts([action], 0), large: null };
    } catch (error) {
      const code = toOutcome(error) ?? toLastResort(error, runtime.tryNumber, false);
      if (code === null) throw error;
      step.outcomes.push(buildOutcome(action.key, code, error));
      return { counts: toCounts([], 1), large: null };
    }
  });
}

async function loadLarge(deps: ActivityDeps, input: BatchStep): Promise<CopyAction> {
  const [action] = unpackActions((await deps.ledger.loadBatch(input.fence.attemptId, input.ordinal)).body);
  if (action === undefined || action.op === 'adopt') throw new TypeError('a large batch holds one object to copy');
  return action;
}
