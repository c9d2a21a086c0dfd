/**
 * Bodies of descriptors as they are stored: one format byte, then the packed bytes. The format byte lets a later version choose
 * another codec while old rows stay readable. Every Node that we support can read what any other wrote, since workers of different
 * versions share the rows: that is why zstd, which Node 20 lacks, is not used where it exists.
 *
 * 10,000 descriptors (1.24 MB): level 1 gives 306 KB in 7 ms, level 6 gives 296 KB in 12 ms. At that length both are plain calls: the
 * event loop is held for less than a heartbeat or a request would notice. A window of 8 KiB instead of 32 finds the same repetitions and
 * takes a fifth less time, since zlib has less to set up.
 *
 * Packed bodies can be joined without being packed again, by the grammar of deflate (RFC 1951): each is a run of blocks that ends on a
 * byte and looks back at nothing before it, so runs may follow one another with a stored block between them that holds the comma.
 */
import { promisify } from 'node:util';
import { constants, createDeflateRaw, deflateRawSync, inflateRaw, inflateRawSync, type ZlibOptions } from 'node:zlib';
import { WaybillError } from '../core/failures.ts';
import { KiB, MALLOC_MMAP_BYTES, MiB } from '../core/limits.ts';

const FORMAT_DEFLATE_RAW = 1;
const OPTIONS = { level: 1, windowBits: 13, finishFlush: constants.Z_FULL_FLUSH } as const;
/** The room is above what a body packs to, so that nothing waits to be read before all of it was written. */
const PACKER_OPTIONS = { ...OPTIONS, flush: constants.Z_FULL_FLUSH, readableHighWaterMark: 128 * MiB } as const;
/** An empty stored block in front, which zlib never writes there: it says that what follows is such a run. */
const RUN = Buffer.of(0, 0, 0, 0xff, 0xff);
/** A stored block of one byte, ','. */
const COMMA = Buffer.of(0, 1, 0, 0xfe, 0xff, 0x2c);
/** What stands around runs in a body as it is stored: behind them the last block, which is empty. */
export const PACKED_HEAD = Buffer.concat([Buffer.of(FORMAT_DEFLATE_RAW), RUN]);
export const PACKED_TAIL = Buffer.of(3, 0);
/** Unpacked: 10,000 descriptors of the longest keys (1,024 bytes, each escaped as six) are 62 MB. A row that says more is corrupt. */
const BODY_BYTES_MAX = 128 * MiB;
/**
 * The buffer that zlib unpacks into, of its input's length: bodies are four to eight times as long as packed. Its default, 16 KiB, makes
 * a hundred buffers of a body and copies them into one more, all of it waste that V8 looks at every 32 MiB. A buffer as large as this
 * is mapped: what is not written takes no memory, it goes back to the system as soon as it is collected, and V8, which counts all of
 * it, collects after a few. Over a manifest of 100 chunks a reader's memory then grows by 5 MB or less, and not by 33.
 */
const ROOM = 32;
/**
 * A page is packed to less than this, and there are ten pages to a chunk: a mapped buffer each would have V8 collect the whole heap for
 * every sixteen of them, which was half of what the fold of a listing cost. They come from malloc's heap, which grows by 15 MB for it.
 */
const PAGE_PACKED_BYTES = 64 * KiB;
const PAGE_ROOM_BYTES = 160 * KiB;
const PAGE_ROOM = 8;

export function packBody(body: Uint8Array): Uint8Array {
  return toPacked([deflateRawSync(body, OPTIONS)]);
}

/** Packs bodies one after the other on a thread of its own: pages of a listing come faster than one thread reads and packs them. */
export interface BodyPacker {
  pack(body: Uint8Array): Promise<Uint8Array>;
  /** What is not packed by then never is. */
  close(): void;
}

/**
 * One compressor for all bodies: to set one up takes the thread that asks as long as it takes the other to pack a page, and leaves
 * memory behind that V8 collects its whole heap for. A full flush after each body is what makes it a run of its own.
 */
export function createBodyPacker(): BodyPacker {
  const deflate = createDeflateRaw(PACKER_OPTIONS);
  let last: Promise<unknown> = Promise.resolve();
  const packNext = (body: Uint8Array): Promise<Uint8Array> =>
    new Promise((resolve, reject) => {
      const onClose = (): void => reject(new WaybillError('unclassified', 'the packer was closed'));
      deflate.once('close', onClose);
      deflate.write(body, (error) => {
        deflate.off('close', onClose);
        if (error) return reject(error);
        const pieces: Uint8Array[] = [];
        for (let piece = deflate.read() as Buffer | null; piece !== null; piece = deflate.read() as Buffer | null)
          pieces.push(piece);
        resolve(toPacked(pieces));
      });
    });
  deflate.on('error', () => undefined);
  return {
    pack(body) {
      if (body.length === 0) return Promise.resolve(packBody(body));
      const packed = last.then(() => packNext(body));
      last = packed.catch(() => undefined);
      return packed;
    },
    close: () => deflate.close(),
  };
}

/** Bodies joined by ',', packed; null when one of them was packed by a version whose bodies cannot be joined. */
export function joinPacked(packed: readonly Uint8Array[]): Uint8Array | null {
  const runs: Uint8Array[] = [];
  for (const body of packed) {
    const run = toRun(body);
    if (run === null) return null;
    if (runs.length > 0) runs.push(COMMA);
    runs.push(run);
  }
  return toPacked(runs);
}

const toPacked = (runs: readonly Uint8Array[]): Uint8Array => Buffer.concat([PACKED_HEAD, ...runs, PACKED_TAIL]);

function toRun(packed: Uint8Array): Uint8Array | null {
  const isRun = PACKED_HEAD.equals(packed.subarray(0, PACKED_HEAD.length));
  return isRun ? packed.subarray(PACKED_HEAD.length, packed.length - PACKED_TAIL.length) : null;
}

/** @throws body_corrupt when the format is unknown or the bytes cannot be unpacked */
export function unpackBody(packed: Uint8Array): Uint8Array {
  assertFormat(packed);
  try {
    return inflateRawSync(packed.subarray(1), { maxOutputLength: BODY_BYTES_MAX, chunkSize: roomFor(packed) });
  } catch (cause) {
    throw toCorrupt(packed, cause);
  }
}

/**
 * The same on a thread of libuv's, for long bodies while this one has other work.
 * @param bytesExpected about as long as the body is, or a little more; 0: unknown
 */
export async function unpackBodyAside(packed: Uint8Array, bytesExpected: number): Promise<Uint8Array> {
  assertFormat(packed);
  const known = Math.max(PAGE_ROOM_BYTES, Math.min(bytesExpected, BODY_BYTES_MAX));
  const chunkSize = bytesExpected > 0 ? known : roomFor(packed);
  try {
    return await inflateAside(packed.subarray(1), { maxOutputLength: BODY_BYTES_MAX, chunkSize });
  } catch (cause) {
    throw toCorrupt(packed, cause);
  }
}

const inflateAside = promisify<Uint8Array, ZlibOptions, Buffer>(inflateRaw);

function assertFormat(packed: Uint8Array): void {
  const format = packed[0];
  if (format !== FORMAT_DEFLATE_RAW) {
    throw new WaybillError('body_corrupt', 'a stored body has an unknown format', { format: format ?? null });
  }
}

const roomFor = (packed: Uint8Array): number =>
  packed.length < PAGE_PACKED_BYTES
    ? Math.max(PAGE_ROOM_BYTES, PAGE_ROOM * packed.length)
    : Math.max(MALLOC_MMAP_BYTES, ROOM * packed.length);

const toCorrupt = ({ length }: Uint8Array, cause: unknown): WaybillError =>
  new WaybillError('body_corrupt', 'a stored body cannot be unpacked', { bytes: length }, { cause });
