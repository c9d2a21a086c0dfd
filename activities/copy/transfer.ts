/** What copying one object needs: both stores, the pipeline, and the step that it belongs to. */
import type { PipelineSpec } from '../../core/pipeline.ts';
import type { Store } from '../../stores/store.ts';
import type { StoreFacts } from '../runtime.ts';
import type { Step } from '../run-step.ts';

export interface Transfer {
  readonly step: Step;
  readonly spec: PipelineSpec;
  readonly source: Store;
  /** Guarded: a write begins only while the activity may write. */
  readonly target: Store;
  readonly targetFacts: StoreFacts;
  /** Where source and target are one store: whether it copies by itself. Set to false by its first refusal. */
  readonly within: { isOffered: boolean };
  /** ETags by target key that the target answered with and that are not the MD5 of what was sent. */
  readonly mismatched: Map<string, string>;
}

/** False where the target's ETags are known not to be MD5s: then the signed hash of the body is what the store checked. */
export function hasMd5ETags(transfer: Transfer): boolean {
  return transfer.targetFacts.etags === 'md5' && transfer.spec.target.encryption?.algorithm !== 'aws:kms';
}

export function createTransfer(step: Step, spec: PipelineSpec): Transfer {
  return {
    step,
    spec,
    source: step.open(spec.source.store),
    target: step.open(spec.target.store),
    targetFacts: step.deps.storeFacts(spec.target.store),
    within: { isOffered: spec.source.store === spec.target.store },
    mismatched: new Map(),
  };
}
