/** The bytes of a document in a request's body; the listener has read, bounded and verified it. */
import { toWholeBytes } from '../../stores/rules/whole-body.ts';
import type { VerifiedRequest } from '../backend.ts';

export async function readDocument(request: VerifiedRequest): Promise<Uint8Array> {
  const whole = toWholeBytes(request.body);
  if (whole !== undefined) return whole;
  const chunks: Uint8Array[] = [];
  for await (const chunk of request.body) chunks.push(chunk);
  return Buffer.concat(chunks);
}
