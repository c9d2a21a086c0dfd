/**
 * Splits bytes into lines of text, in arrays, with no more than one read and one line in memory. A line ends at LF; the last one
 * may end without. Bytes that are not UTF-8 are refused by the number of their line: replacing them would change a key in silence.
 */
import { WaybillError } from '../../core/failures.ts';
import { MiB } from '../../core/limits.ts';

/** A descriptor is at most some 10 KB; a provider's extras beside it hardly more. */
const LINE_BYTES_MAX = MiB;
const LF = 0x0a;

/** Yields every line in order, blank ones too, so that whoever counts them knows their numbers. @throws invalid_manifest_line */
export async function* readLines(input: AsyncIterable<Uint8Array>): AsyncGenerator<string[], void, void> {
  let rest: Buffer = Buffer.alloc(0);
  let linesRead = 0;
  for await (const chunk of input) {
    const bytes = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    const end = bytes.lastIndexOf(LF) + 1;
    rest = bytes.subarray(end);
    if (rest.length > LINE_BYTES_MAX) {
      throw new WaybillError('invalid_manifest_line', 'a line is longer than 1 MiB', { after_line: linesRead });
    }
    if (end === 0) continue;
    const lines = decodeLines(bytes.subarray(0, end - 1), linesRead);
    linesRead += lines.length;
    yield lines;
  }
  if (rest.length > 0) yield decodeLines(rest, linesRead);
}

function decodeLines(bytes: Buffer, linesBefore: number): string[] {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: linesBefore > 0 });
  try {
    return decoder.decode(bytes).split('\n');
  } catch {
    throw new WaybillError(
      'invalid_manifest_line',
      `line ${String(findBadLine(bytes, linesBefore))} is not valid UTF-8`,
    );
  }
}

function findBadLine(bytes: Buffer, linesBefore: number): number {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let number = linesBefore;
  for (let start = 0; start <= bytes.length;) {
    number += 1;
    const found = bytes.indexOf(LF, start);
    const end = found < 0 ? bytes.length : found;
    try {
      decoder.decode(bytes.subarray(start, end));
    } catch {
      return number;
    }
    start = end + 1;
  }
  return number;
}
