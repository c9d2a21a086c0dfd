/**
 * Bodies of descriptors as they are stored: one format byte, then the packed bytes. The format byte lets a later version choose
 * another codec while old rows stay readable. Every Node that we support can read what any other wrote, since workers of different
 * versions share the rows: that is why zstd, which Node 20 lacks, is not used where it exists.
 *
 * 10,000 descriptors (1.24 MB): level 1 gives 306 KB in 7 ms, level 6 gives 296 KB in 12 ms. At that length both are plain calls: the
 * event loop is held for less than a heartbeat or a request would notice.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { WaybillError } from '../core/failures.ts';
import { MiB } from '../core/limits.ts';

const FORMAT_DEFLATE_RAW = 1;
const LEVEL = 1;
/** Unpacked: 10,000 descriptors of the longest keys (1,024 bytes, each escaped as six) are 62 MB. A row that says more is corrupt. */
const BODY_BYTES_MAX = 128 * MiB;

export function packBody(body: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(FORMAT_DEFLATE_RAW), deflateRawSync(body, { level: LEVEL })]);
}

/** @throws body_corrupt when the format is unknown or the bytes cannot be unpacked */
export function unpackBody(packed: Uint8Array): Uint8Array {
  const format = packed[0];
  if (format !== FORMAT_DEFLATE_RAW) {
    throw new WaybillError('body_corrupt', 'a stored body has an unknown format', { format: format ?? null });
  }
  try {
    return inflateRawSync(packed.subarray(1), { maxOutputLength: BODY_BYTES_MAX });
  } catch (cause) {
    throw new WaybillError('body_corrupt', 'a stored body cannot be unpacked', { bytes: packed.length }, { cause });
  }
}
