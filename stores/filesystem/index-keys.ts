/**
 * The key spaces of the index. The first character says what the record is; LevelDB orders keys by their bytes, so within one
 * bucket objects stand in UTF-8 byte order of their keys. A bucket's name never holds NUL, so the first NUL ends it, whatever
 * the key after it holds.
 *
 * | space | key                            | value                                                       |
 * |-------|--------------------------------|-------------------------------------------------------------|
 * | b     | bucket                         | BucketRecord                                                |
 * | o     | bucket NUL key                 | ObjectRecord: what a listing and a HEAD need, never bytes   |
 * | i     | data id                        | the bytes of a small object                                 |
 * | d     | data id                        | empty: this data file belongs to an object or a part        |
 * | s     | data id                        | SegmentRecord[]: the files of an object made of parts       |
 * | u     | bucket NUL key NUL upload id   | UploadRecord                                                |
 * | p     | upload id, part number (5)     | PartRecord                                                  |
 * | c     | upload id                      | CompletedRecord                                             |
 * | v     |                                | FormatRecord                                                |
 * | z     |                                | present: the store was closed in order                      |
 */
export const bucketKey = (bucket: string): string => `b${bucket}`;
export const BUCKETS = 'b';
export const objectKey = (bucket: string, key: string): string => `o${bucket}\0${key}`;
export const objectsOf = (bucket: string): string => `o${bucket}\0`;
export const inlineKey = (dataId: string): string => `i${dataId}`;
export const dataKey = (dataId: string): string => `d${dataId}`;
export const segmentsKey = (dataId: string): string => `s${dataId}`;
export const uploadKey = (bucket: string, key: string, uploadId: string): string => `u${bucket}\0${key}\0${uploadId}`;
/** All uploads of keys that start with the prefix. */
export const uploadsOf = (bucket: string, prefix = ''): string => `u${bucket}\0${prefix}`;
export const partKey = (uploadId: string, partNumber: number): string =>
  `p${uploadId}${String(partNumber).padStart(5, '0')}`;
export const partsOf = (uploadId: string): string => `p${uploadId}`;
export const completedKey = (uploadId: string): string => `c${uploadId}`;
export const COMPLETED = 'c';
export const FORMAT = 'v';
export const CLOSED_IN_ORDER = 'z';

/**
 * The first byte string after all that start with this one. UTF-8 has no byte 0xFF, so adding one to the last byte is enough.
 */
export function toSuccessor(prefix: string): Buffer {
  const bytes = Buffer.from(prefix, 'utf8');
  const last = bytes.length - 1;
  bytes.writeUInt8(bytes.readUInt8(last) + 1, last);
  return bytes;
}
