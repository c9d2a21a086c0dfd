/**
 * Reads a stream of bodies to its end, so that whatever is wrong with it has come out, and gives the bodies again: the first few
 * megabytes from memory, the others from the scratch file.
 */
import { MiB } from '../../core/limits.ts';
import type { Region, SpillFile } from './spill-file.ts';

const MEMORY_BYTES = 8 * MiB;

/** @throws whatever the stream throws */
export async function keepBodies(
  bodies: AsyncIterable<Uint8Array>,
  openSpill: () => Promise<SpillFile>,
): Promise<AsyncIterable<Uint8Array>> {
  const kept: (Uint8Array | Region)[] = [];
  let memoryBytes = 0;
  for await (const body of bodies) {
    if (memoryBytes + body.length <= MEMORY_BYTES) {
      memoryBytes += body.length;
      kept.push(Buffer.from(body));
    } else {
      const spill = await openSpill();
      kept.push(await spill.write([body]));
    }
  }
  return readKept(kept, openSpill);
}

async function* readKept(
  kept: readonly (Uint8Array | Region)[],
  openSpill: () => Promise<SpillFile>,
): AsyncGenerator<Uint8Array> {
  for (const body of kept) {
    if (body instanceof Uint8Array) yield body;
    else yield await openSpill().then((spill) => spill.readRegion(body));
  }
}
