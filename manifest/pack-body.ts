/**
 * Bodies of descriptors as they are stored: one format byte, then the packed bytes. The format byte lets a later version choose
 * another codec while old rows stay readable. Every Node that we support can read what any other wrote, since workers of different
 * versions share the rows: that is why zstd, which Node 20 lacks, is not used where it exists.
 *
 * 10,000 descriptors (1.24 MB): level 1 gives 306 KB in 7 ms, level 6 gives 296 KB in 12 ms. At that length both are plain calls: the
 * event loop is held for less than a heartbeat or a request would notice.
 */
import { promisify } from 'node:util';
import { deflateRaw, deflateRawSync, inflateRawSync } from 'node:zlib';
import { WaybillError } from '../core/failures.ts';
import { MALLOC_MMAP_BYTES, MiB } from '../core/limits.ts';

const FORMAT_DEFLATE_RAW = 1;
const LEVEL = 1;
/** Unpacked: 10,000 descriptors of the longest keys (1,024 bytes, each escaped as six) are 62 MB. A row that says more is corrupt. */
const BODY_BYTES_MAX = 128 * MiB;
/**
 * The buffer that zlib unpacks into, of its input's length: bodies are four to eight times as long as packed. Its default, 16 KiB, makes
 * a hundred buffers of a body and copies them into one more, all of it waste that V8 looks at every 32 MiB. A buffer as large as this
 * is mapped: what is not written takes no memory, it goes back to the system as soon as it is collected, and V8, which counts all of
 * it, collects after a few. Over a manifest of 100 chunks a reader's memory then grows by 5 MB or less, and not by 33.
 */
const ROOM = 32;

export function packBody(body: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(FORMAT_DEFLATE_RAW), deflateRawSync(body, { level: LEVEL })]);
}

const deflate = promisify<Uint8Array, { level: number }, Buffer>(deflateRaw);

/** The same on a thread of its own: pages of a listing come faster than one thread reads and packs them. */
export async function packBodyAside(body: Uint8Array): Promise<Uint8Array> {
  return Buffer.concat([Uint8Array.of(FORMAT_DEFLATE_RAW), await deflate(body, { level: LEVEL })]);
}

/** @throws body_corrupt when the format is unknown or the bytes cannot be unpacked */
export function unpackBody(packed: Uint8Array): Uint8Array {
  const format = packed[0];
  if (format !== FORMAT_DEFLATE_RAW) {
    throw new WaybillError('body_corrupt', 'a stored body has an unknown format', { format: format ?? null });
  }
  const chunkSize = Math.max(MALLOC_MMAP_BYTES, ROOM * packed.length);
  try {
    return inflateRawSync(packed.subarray(1), { maxOutputLength: BODY_BYTES_MAX, chunkSize });
  } catch (cause) {
    throw new WaybillError('body_corrupt', 'a stored body cannot be unpacked', { bytes: packed.length }, { cause });
  }
}
