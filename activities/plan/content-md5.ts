/**
 * The MD5 of an object's bytes where somebody recorded it: a plain ETag, or the user metadata `md5` (base64) that we and other
 * copiers keep with multipart objects, whose ETag is not a hash of the bytes.
 */
export const MD5_METADATA = 'md5';

const MD5_HEX = /^[0-9a-f]{32}$/;

export const isMd5Hex = (etag: string): boolean => MD5_HEX.test(etag);

/** Hex, or null. `etagIsContentHash` false (SSE-KMS, SSE-C, an opaque store) rules the ETag out. */
export function toContentMd5(object: {
  readonly etag: string;
  readonly etagIsContentHash: boolean;
  readonly metadata: Readonly<Record<string, string>>;
}): string | null {
  if (object.etagIsContentHash && isMd5Hex(object.etag)) return object.etag;
  const recorded = object.metadata[MD5_METADATA];
  if (recorded === undefined || !/^[A-Za-z0-9+/]{22}==$/.test(recorded)) return null;
  return Buffer.from(recorded, 'base64').toString('hex');
}

export const toMd5Base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64');
