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
}

export function createTransfer(step: Step, spec: PipelineSpec): Transfer {
  return {
    step,
    spec,
    source: step.open(spec.source.store),
    target: step.open(spec.target.store),
    targetFacts: step.deps.storeFacts(spec.target.store),
  };
}
