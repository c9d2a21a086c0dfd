/** The canonical bytes of a manifest as a stream. */
import { ENVELOPE_HEAD, printEnvelopeTail } from './envelope.ts';

/**
 * Yields `{"objects":[…],"run_id":…,"schema":…}` around bodies of canonical descriptors, which come in manifest order and go out
 * as they are. Holds one body at a time.
 * @throws invalid_run_id before the first byte
 */
export async function* printManifest(
  runId: string,
  bodies: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  const tail = Buffer.from(printEnvelopeTail(runId));
  const comma = Buffer.from(',');
  yield Buffer.from(ENVELOPE_HEAD);
  let empty = true;
  for await (const body of bodies) {
    if (body.length === 0) continue;
    if (!empty) yield comma;
    yield body;
    empty = false;
  }
  yield tail;
}
