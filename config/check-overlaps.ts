/**
 * Pipelines whose places lie inside one another. Two names for one endpoint or one directory are the same store here.
 *
 * - A target inside its own source would feed itself: each run would find what the one before it wrote. Refused.
 * - Targets that overlap by prefix are refused when either mirrors, for a mirror deletes what it does not know. Equal targets are
 *   one target, and its lease lets one run write at a time.
 */
import type { Location, PipelineSpec } from '../core/pipeline.ts';
import type { StoreConfig } from './config.ts';
import type { Problems } from './problems.ts';

export function checkOverlaps(
  pipelines: ReadonlyMap<string, PipelineSpec>,
  stores: ReadonlyMap<string, StoreConfig>,
  mirrors: (pipeline: PipelineSpec) => boolean,
  problems: Problems,
): void {
  const identify = (location: Location): string => identifyStore(stores.get(location.store), location.store);
  const isInside = (inner: Location, outer: Location): boolean =>
    inner.bucket === outer.bucket && identify(inner) === identify(outer) && inner.prefix.startsWith(outer.prefix);

  const all = [...pipelines.values()];
  for (const [index, pipeline] of all.entries()) {
    const path = ['pipelines', pipeline.name, 'target'];
    if (isInside(pipeline.target, pipeline.source)) {
      problems.add(
        path,
        'expected a target outside the source: inside it, each run would copy what the one before it wrote',
        'key',
      );
    }
    for (const other of all.slice(0, index)) {
      const same = isInside(pipeline.target, other.target) && isInside(other.target, pipeline.target);
      const overlap = isInside(pipeline.target, other.target) || isInside(other.target, pipeline.target);
      if (overlap && !same && (mirrors(pipeline) || mirrors(other))) {
        problems.add(
          path,
          `expected a target that does not overlap the one of ${other.name}: a mirror would delete its objects`,
          'key',
        );
      }
    }
  }
}

function identifyStore(store: StoreConfig | undefined, name: string): string {
  if (store === undefined) return `name ${name}`;
  return store.kind === 'directory' ? `directory ${store.directory}` : `endpoint ${store.endpoint}`;
}
