/** JSON Lines in any order → bodies of a manifest in its order, each object once. */
import { WaybillError } from '../../core/failures.ts';
import { compareFrames, frameEnd, lineOf, textAt, toSortKey } from './frame.ts';
import { parseLine } from './parse-line.ts';
import { readLines } from './read-lines.ts';
import { RecordSorter } from './record-sorter.ts';
import type { SpillFile } from './spill-file.ts';

const COMMA = 0x2c;

/**
 * Yields canonical descriptors joined by ','. The whole input is read before the first of them; a body is good until the next is
 * asked for. `runBytes`: what is sorted in memory at once.
 * @throws invalid_manifest_line for a line that does not parse, and for an object that two lines describe, equal or not
 */
export async function* sortInput(
  input: AsyncIterable<Uint8Array>,
  openSpill: () => Promise<SpillFile>,
  runBytes?: number,
): AsyncGenerator<Uint8Array, void, void> {
  const sorter = new RecordSorter(openSpill, runBytes);
  let line = 0;
  for await (const texts of readLines(input)) {
    for (const text of texts) {
      line += 1;
      if (text.trim() === '') continue;
      const { descriptor, printed } = parseLine(text, line);
      await sorter.add(toSortKey(descriptor), printed, line);
    }
  }
  let previous: Buffer | undefined;
  for await (const block of sorter.sorted()) {
    // Every frame gives up its head and its key, so the body is shorter than its block and can be made within a copy of it.
    const body = Buffer.allocUnsafe(block.length);
    let length = 0;
    for (let at = 0; at < block.length;) {
      const end = frameEnd(block, at);
      if (previous !== undefined && compareFrames(previous, 0, block, at) === 0)
        throw duplicate(previous, block.subarray(at, end));
      if (length > 0) body[length++] = COMMA;
      length += block.copy(body, length, textAt(block, at), end);
      previous = block.subarray(at, end);
      at = end;
    }
    yield body.subarray(0, length);
    if (previous !== undefined) previous = Buffer.from(previous);
  }
}

function duplicate(first: Buffer, second: Buffer): WaybillError {
  const object = second.toString('utf8', textAt(second, 0));
  return new WaybillError(
    'invalid_manifest_line',
    `line ${String(lineOf(second, 0))}: expected each object once, and line ${String(lineOf(first, 0))} has this one already: ${object}`,
  );
}
