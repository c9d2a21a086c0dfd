/** The checksums of the body that the doctor writes, of each kind that S3 knows. A few bytes need no tables. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

export const BODY = new TextEncoder().encode('waybill doctor\n');
const digest = (algorithm: string): string => createHash(algorithm).update(BODY).digest('base64');
/** Null where this Node cannot compute it. */
export const CHECKSUMS: Readonly<Record<string, () => string | null>> = {
  // zlib.crc32 came with Node 20.15.
  crc32: () => (typeof crc32 === 'function' ? toBase64(crc32(BODY)) : null),
  crc32c: () => toBase64(crc32c(BODY)),
  crc64nvme: () => crc64nvme(BODY),
  sha1: () => digest('sha1'),
  sha256: () => digest('sha256'),
};

function toBase64(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes.toString('base64');
}

/** Castagnoli, bit by bit: a few bytes need no table. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** As CRC-64/NVME: reflected, begun and ended with all ones. */
function crc64nvme(bytes: Uint8Array): string {
  const ones = 0xffffffffffffffffn;
  let crc = ones;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ 0x9a6c9329ac4bc9b5n : crc >> 1n;
  }
  const sum = Buffer.alloc(8);
  sum.writeBigUInt64BE(crc ^ ones);
  return sum.toString('base64');
}
