/**
 * Which objects of a source belong to a pipeline. Globs (see glob.ts) look at the key without the source prefix. An object passes
 * when an include matches, or there is none; no exclude matches, so exclude wins whatever the order; its size lies between the
 * limits, both included; and so does its age at the nominal time of the run, so that a retry filters as the first try did.
 */
import { WaybillError } from './failures.ts';
import { compileGlob } from './glob.ts';
import type { Filters } from './pipeline.ts';

export interface FilteredObject {
  readonly key: string;
  readonly sizeBytes: number;
  readonly lastModifiedMs: number;
}

export interface FilterContext {
  /** Every key starts with it. */
  readonly sourcePrefix: string;
  /** The nominal time of the run; null for a run that has none, which then cannot filter by age. */
  readonly nominalMs: number | null;
}

/** Whether every object passes. */
export const passesAll = ({ include, exclude, ...limits }: Filters): boolean =>
  include.length === 0 && exclude.length === 0 && Object.values(limits).every((limit) => limit === null);

/** @throws invalid_config for a pattern that is wrong, naming it; invalid_request for an age filter without a nominal time */
export function compileFilters(filters: Filters, context: FilterContext): (object: FilteredObject) => boolean {
  const include = filters.include.map(compileGlob);
  const exclude = filters.exclude.map(compileGlob);
  const prefixLength = context.sourcePrefix.length;
  const minSizeBytes = filters.minSizeBytes ?? 0;
  const maxSizeBytes = filters.maxSizeBytes ?? Infinity;
  const { earliestMs, latestMs } = toModificationWindow(filters, context.nominalMs);

  return ({ key, sizeBytes, lastModifiedMs }) => {
    if (sizeBytes < minSizeBytes || sizeBytes > maxSizeBytes) return false;
    if (lastModifiedMs < earliestMs || lastModifiedMs > latestMs) return false;
    if (include.length === 0 && exclude.length === 0) return true;
    const relative = key.slice(prefixLength);
    return (
      (include.length === 0 || include.some((matches) => matches(relative))) &&
      !exclude.some((matches) => matches(relative))
    );
  };
}

function toModificationWindow(filters: Filters, nominalMs: number | null): { earliestMs: number; latestMs: number } {
  const { minAgeMs, maxAgeMs } = filters;
  if (minAgeMs === null && maxAgeMs === null) return { earliestMs: -Infinity, latestMs: Infinity };
  if (nominalMs === null) {
    throw new WaybillError('invalid_request', 'min_age and max_age need a run with a nominal time');
  }
  return {
    earliestMs: maxAgeMs === null ? -Infinity : nominalMs - maxAgeMs,
    latestMs: minAgeMs === null ? Infinity : nominalMs - minAgeMs,
  };
}
