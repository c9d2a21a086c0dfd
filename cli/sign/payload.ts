/** The payload hash of a body. A file is read as a stream, so that its size does not matter. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { UNSIGNED_PAYLOAD } from '../../sigv4/limits.ts';
import { misuse, type PreparedRequest } from './request.ts';

/** Lower-case hex, or UNSIGNED-PAYLOAD. @throws invalid_request for a file that cannot be read */
export async function hashPayload({ body, unsignedPayload }: PreparedRequest): Promise<string> {
  if (unsignedPayload) return UNSIGNED_PAYLOAD;
  const hash = createHash('sha256');
  if (body.kind === 'text') hash.update(body.text, 'utf8');
  if (body.kind === 'file') {
    try {
      await pipeline(createReadStream(body.path), hash);
    } catch (error) {
      throw misuse(`cannot read ${body.path}: ${(error as NodeJS.ErrnoException).code ?? 'it failed'}`);
    }
  }
  return hash.digest('hex');
}
