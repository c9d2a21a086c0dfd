/** What is copied: the work of issue 6, whole or in a size that takes seconds. */
export type WorkloadName = 'W1' | 'W2' | 'W3' | 'W4' | 'W5';

export interface Workload {
  readonly name: WorkloadName;
  readonly what: string;
  /** At the source store. W5 is W1 again. */
  readonly bucket: string;
  readonly count: number;
  readonly sizeBytes: number;
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

export function buildWorkload(name: WorkloadName, isQuick: boolean): Workload {
  const of = name === 'W5' ? 'W1' : name;
  const { count, sizeBytes } = (isQuick ? QUICK : WHOLE)[of];
  const objects = `${count.toLocaleString('en')} × ${sizeBytes < MiB ? `${String(sizeBytes / KiB)} KiB` : `${String(sizeBytes / MiB)} MiB`}`;
  const what: Readonly<Record<WorkloadName, string>> = {
    W1: objects,
    W2: objects,
    W3: objects,
    W4: `list ${count.toLocaleString('en')} keys`,
    W5: `${objects} again, nothing changed`,
  };
  return { name, what: what[name], bucket: `objects-${of.toLowerCase()}`, count, sizeBytes };
}
