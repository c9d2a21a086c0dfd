/** Reads a body into memory. */
import type { ETag } from '../../core/ids.ts';
import { BodyCheck, toChunks } from '../rules/body-check.ts';
import type { Body } from '../store.ts';

/** The bytes of a body that kept its promises, copied. @throws body_corrupt */
export async function readBody(body: Body, signal?: AbortSignal): Promise<{ bytes: Uint8Array; etag: ETag }> {
  const check = new BodyCheck(body);
  const chunks: Uint8Array[] = [];
  for await (const chunk of toChunks(body, signal)) {
    check.update(chunk);
    chunks.push(chunk.slice());
  }
  return { bytes: Buffer.concat(chunks), etag: check.finish() };
}
