/** What stands in a canonical descriptor around its values, as bytes, for those that write or read one without a string of it. */

/** Up to the ETag. */
export const toDescriptorHead = (bucket: string): Buffer => Buffer.from(`{"bucket":${JSON.stringify(bucket)},"etag":"`);
export const AFTER_ETAG = Buffer.from('","key":"');
export const AFTER_KEY = Buffer.from('","size":');
export const END = Buffer.from('}');

/** Below it JSON escapes, and these two. */
export const SPACE = 0x20;
export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;
/** The first digit of ten. */
export const ZERO = 0x30;
