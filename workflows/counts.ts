import type { CopyCounts } from './types.ts';

export const NO_COUNTS: CopyCounts = { copied: 0, copiedBytes: 0, repaired: 0, adopted: 0, adoptedBytes: 0, failed: 0 };

export function addCounts(a: CopyCounts, b: CopyCounts): CopyCounts {
  return {
    copied: a.copied + b.copied,
    copiedBytes: a.copiedBytes + b.copiedBytes,
    repaired: a.repaired + b.repaired,
    adopted: a.adopted + b.adopted,
    adoptedBytes: a.adoptedBytes + b.adoptedBytes,
    failed: a.failed + b.failed,
  };
}
