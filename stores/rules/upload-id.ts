/**
 * Ids of multipart uploads, for stores of our own: 12 digits of lower-case hex for the millisecond, 4 for the uploads begun within
 * it, 16 random ones. So ids that one process made sort by when their uploads began, also of those begun within one millisecond,
 * and a listing has an order to go on in. An id is no secret and no right: whoever names one has signed the request.
 */
import { randomBytes } from 'node:crypto';

const IDS_PER_MS = 0x1_0000;

/** @returns what makes one more id; the time may stand still or go back, the ids do neither */
export function createUploadIds(): (nowMs: number) => string {
  let ms = 0;
  let count = 0;
  return (nowMs) => {
    count += 1;
    if (nowMs > ms || count === IDS_PER_MS) {
      ms = Math.max(Math.floor(nowMs), ms + 1);
      count = 0;
    }
    return toHex(ms, 12) + toHex(count, 4) + randomBytes(8).toString('hex');
  };
}

const toHex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
