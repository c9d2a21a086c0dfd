/** Request ids as S3's look: 16 hex digits. Unique in a process by a counter, across processes by a random start. */
import { randomBytes } from 'node:crypto';

export function createRequestIds(): () => string {
  const prefix = randomBytes(5).toString('hex').toUpperCase();
  let count = 0;
  return () => {
    count = (count + 1) % 0x1000000;
    return prefix + count.toString(16).toUpperCase().padStart(6, '0');
  };
}
