/** What copying one object needs: both stores, the pipeline, and the step that it belongs to. */
import type { PipelineSpec } from '../../core/pipeline.ts';
import type { Store } from '../../stores/store.ts';
import type { ActivityDeps, StoreFacts } from '../runtime.ts';
import type { Step } from '../run-step.ts';
import type { ByteBudget } from './byte-budget.ts';

/**
 * What a target has shown of itself in this process: that its answers say which bytes it got. Each answer is looked at all the same;
 * this only decides whether a body may be sent that nothing else proves.
 */
export interface Shown {
  /** By the ETag of a body whose MD5 was told. */
  md5: boolean;
  /** By the checksum that was told; null: not known yet. */
  checksum: boolean | null;
  /** The ETag of a completed upload is made of its parts'; false where it is the MD5 of the whole (rclone's `serve s3`). */
  composes: boolean;
  /** It refused a body that was not signed, and took it signed. */
  refusesUnsigned: boolean;
  /** Objects that the gateway was to copy into it from another store, and could not, or not to anybody's satisfaction; less those it did. */
  notRelayed: number;
}

export interface Transfer {
  readonly step: Step;
  readonly spec: PipelineSpec;
  readonly source: Store;
  /** Guarded: a write begins only while the activity may write. */
  readonly target: Store;
  readonly targetFacts: StoreFacts;
  readonly shown: Shown;
  /** Where source and target are one store: whether it copies by itself. Set to false by its first refusal. */
  readonly within: { isOffered: boolean };
  /** ETags by target key that the target answered with and that are not the MD5 of what was sent. */
  readonly mismatched: Map<string, string>;
  /** ETags by target key of what this execution wrote and nothing proves: the next try writes over it. */
  readonly spoiled: Map<string, string>;
  /** Target keys whose copy by the gateway outlasted the limit of a request, in which it reads and writes; apart, each has all of it. */
  readonly outlasted: Set<string>;
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
    shown: findShown(step.deps, `${spec.target.store}/${spec.target.bucket}`),
    within: { isOffered: spec.source.store === spec.target.store },
    mismatched: new Map(),
    spoiled: new Map(),
    outlasted: new Set(),
  };
}

/** By the worker, whose budget outlives its activities, and by store and bucket. */
const shownTo = new WeakMap<ByteBudget, Map<string, Shown>>();

function findShown({ memory }: ActivityDeps, place: string): Shown {
  let places = shownTo.get(memory);
  if (places === undefined) shownTo.set(memory, (places = new Map<string, Shown>()));
  let shown = places.get(place);
  if (shown === undefined)
    places.set(place, (shown = { md5: false, checksum: null, composes: true, refusesUnsigned: false, notRelayed: 0 }));
  return shown;
}
