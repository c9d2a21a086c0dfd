/**
 * How a large object is cut into parts at the target. A multipart ETag says in how many parts the source was uploaded, and with the
 * size that nearly always tells their size, for clients cut in whole MiB. Cut in the same way, the copy has the source's very ETag:
 * it proves every byte end to end, and after the ledger was lost it proves that the copy needs not be made again. Any other object
 * is cut by size alone (`core/part-layout.ts`); so is one whose parts would not fit in memory, for those are read twice.
 */
import { MiB, OBJECT_BYTES_MAX, PART_BYTES_MIN, PARTS_MAX } from '../../core/limits.ts';
import { toPartLayout, type PartLayout } from '../../core/part-layout.ts';

/** Part sizes of common clients, the commonest first: where several sizes give the same number of parts, one of these is likelier. */
const USUAL_PARTS_MIB = [8, 16, 5, 64, 10, 32, 15, 6, 20, 25, 50, 100, 128];

/** A wrong guess costs nothing but the equal ETag. `partBytesMax`: what one part may take of the memory. */
export function toSourcePartLayout(etag: string, sizeBytes: number, partBytesMax: number): PartLayout {
  const parts = Number(/^[0-9a-f]{32}-([0-9]{1,5})$/.exec(etag)?.[1] ?? 0);
  if (parts < 1 || parts > PARTS_MAX || sizeBytes < 1 || sizeBytes > OBJECT_BYTES_MAX) return toPartLayout(sizeBytes);
  const gives = (partMib: number): boolean =>
    partMib * MiB >= PART_BYTES_MIN &&
    partMib * MiB <= partBytesMax &&
    Math.ceil(sizeBytes / (partMib * MiB)) === parts;
  const smallest = Math.max(PART_BYTES_MIN / MiB, Math.ceil(sizeBytes / parts / MiB));
  const partMib = USUAL_PARTS_MIB.find(gives) ?? smallest;
  return gives(partMib) ? { sizeBytes, partSizeBytes: partMib * MiB, parts } : toPartLayout(sizeBytes);
}
