/** What is copied: the work of issue 6, whole, in a size that takes seconds, or with as many objects as are asked for. */
export type WorkloadName = 'W1' | 'W2' | 'W3' | 'W4' | 'W5';

export interface Workload {
  readonly name: WorkloadName;
  readonly what: string;
  /** At the source store. W5 is W1 again. */
  readonly bucket: string;
  readonly count: number;
  readonly sizeBytes: number;
}

/** One copy, and what is done again over it. */
export interface Work {
  readonly first: Workload;
  /** False: it is done only so that there is something to do again. */
  readonly isCounted: boolean;
  readonly again: Workload | null;
}

const KiB = 1024;
const MiB = 1024 * KiB;

interface Size {
  readonly count: number;
  readonly sizeBytes: number;
}
const WHOLE: Readonly<Record<Exclude<WorkloadName, 'W5'>, Size>> = {
  W1: { count: 10_000, sizeBytes: KiB },
  W2: { count: 2000, sizeBytes: MiB },
  W3: { count: 4, sizeBytes: 512 * MiB },
  W4: { count: 100_000, sizeBytes: KiB },
};
const QUICK: typeof WHOLE = {
  W1: { count: 2000, sizeBytes: KiB },
  W2: { count: 150, sizeBytes: MiB },
  W3: { count: 2, sizeBytes: 64 * MiB },
  W4: { count: 10_000, sizeBytes: KiB },
};

export const WORKLOAD_NAMES: readonly WorkloadName[] = ['W1', 'W2', 'W3', 'W4', 'W5'];

/** @param growth each of the workloads with each of these numbers of objects instead of its own */
export function buildWork(
  names: readonly WorkloadName[],
  isQuick: boolean,
  growth: readonly number[] | null = null,
): readonly Work[] {
  const firsts = WORKLOAD_NAMES.filter((name) => name !== 'W5').filter(
    (name) => names.includes(name) || (name === 'W1' && names.includes('W5')),
  );
  return firsts.flatMap((name) => {
    const usual = (isQuick ? QUICK : WHOLE)[name];
    const counts = growth ?? [usual.count];
    return counts.map((count) => {
      const first = buildWorkload(name, { count, sizeBytes: usual.sizeBytes });
      const hasAgain = name === 'W1' && names.includes('W5');
      return {
        first,
        isCounted: names.includes(name),
        again: hasAgain ? { ...first, name: 'W5' as const, what: `${first.what} again, nothing changed` } : null,
      };
    });
  });
}

function buildWorkload(name: WorkloadName, { count, sizeBytes }: Size): Workload {
  const objects = count.toLocaleString('en');
  const size = sizeBytes < MiB ? `${String(sizeBytes / KiB)} KiB` : `${String(sizeBytes / MiB)} MiB`;
  const what = name === 'W4' ? `list ${objects} keys` : `${objects} × ${size}`;
  return { name, what, bucket: `objects-${String(count)}-${String(sizeBytes)}`, count, sizeBytes };
}
