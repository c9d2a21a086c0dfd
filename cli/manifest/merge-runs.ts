/** Merges sorted runs into one, with a heap over the frames that their readers stand at. */
import { compareFrames, lineOf } from './frame.ts';
import type { RunReader } from './run-reader.ts';

const BLOCK_BYTES = 256 * 1024;

/** Yields all frames in order, equal ones by their lines, as blocks of whole frames. A block is good until the next is asked for. */
export async function* mergeRuns(readers: readonly RunReader[]): AsyncGenerator<Buffer, void, void> {
  const heap: RunReader[] = [];
  for (const reader of readers) if (await reader.move()) heap.push(reader);
  for (let at = (heap.length >> 1) - 1; at >= 0; at--) sink(heap, at);

  let block: Buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  let filled = 0;
  for (let top = heap[0]; top !== undefined; top = heap[0]) {
    const length = top.frameEnd - top.at;
    if (filled + length > block.length) {
      if (filled > 0) yield block.subarray(0, filled);
      filled = 0;
      if (length > block.length) block = Buffer.allocUnsafeSlow(length);
    }
    top.buffer.copy(block, filled, top.at, top.frameEnd);
    filled += length;
    if (!top.moveWithinBuffer() && !(await top.move())) {
      const last = heap.pop();
      if (last !== undefined && last !== top) heap[0] = last;
    }
    sink(heap, 0);
  }
  if (filled > 0) yield block.subarray(0, filled);
}

function compareReaders(a: RunReader, b: RunReader): number {
  return compareFrames(a.buffer, a.at, b.buffer, b.at) || lineOf(a.buffer, a.at) - lineOf(b.buffer, b.at);
}

/** Moves the reader at `at` down until neither of those below it comes first. */
function sink(heap: RunReader[], at: number): void {
  for (;;) {
    let least = at;
    for (const below of [2 * at + 1, 2 * at + 2]) {
      if (below < heap.length && compareReaders(heap[below] as RunReader, heap[least] as RunReader) < 0) least = below;
    }
    if (least === at) return;
    [heap[at], heap[least]] = [heap[least] as RunReader, heap[at] as RunReader];
    at = least;
  }
}
