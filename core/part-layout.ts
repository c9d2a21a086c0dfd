/** How a large object is cut into parts: part size = max(8 MiB, size / 10,000 rounded up to a MiB). */
import { MiB, PARTS_MAX, PART_BYTES_DEFAULT } from './limits.ts';

export interface PartLayout {
  readonly sizeBytes: number;
  readonly partSizeBytes: number;
  readonly parts: number;
}

export interface PartRange {
  /** From 1. */
  readonly partNumber: number;
  /** First byte, from 0. */
  readonly offset: number;
  readonly lengthBytes: number;
}

export function toPartLayout(sizeBytes: number, partBytesMin: number = PART_BYTES_DEFAULT): PartLayout {
  const perPart = Math.ceil(sizeBytes / PARTS_MAX / MiB) * MiB;
  const partSizeBytes = Math.max(partBytesMin, perPart);
  return { sizeBytes, partSizeBytes, parts: Math.max(1, Math.ceil(sizeBytes / partSizeBytes)) };
}

export function toPartRange(layout: PartLayout, partNumber: number): PartRange {
  const offset = (partNumber - 1) * layout.partSizeBytes;
  return { partNumber, offset, lengthBytes: Math.min(layout.partSizeBytes, layout.sizeBytes - offset) };
}
