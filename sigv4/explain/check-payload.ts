/**
 * The body that is at hand against the hash that was signed. A signature holds whatever the body is, since it signs the hash that
 * x-amz-content-sha256 says; the server hashes what arrives and refuses it by XAmzContentSHA256Mismatch.
 */
import type { Evidence } from '../evidence/evidence.ts';
import { SOURCES } from './mutation.ts';
import type { Finding } from './finding.ts';
import { undoFormatting, undoLineEnds } from './rewrite-body.ts';
import { headerOf } from './signing-inputs.ts';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const BODY_BYTES_MAX = 262_144;

/** Null when it is the body, and when what is at hand may not be all of it. */
export function checkPayload(
  { request, body, kind }: Evidence,
  hash: (data: string | Uint8Array) => string,
): Finding | null {
  if (request === null || body === null || kind === 'log') return null;
  const signed = headerOf(request, 'x-amz-content-sha256');
  if (!/^[0-9a-f]{64}$/.test(signed) || hash(body) === signed) return null;
  const text = decoder.decode(body);
  // A paste that lost bytes, or all of them, says nothing of what was sent.
  if (text.includes('\ufffd') || !isWhole(kind, request.method, headerOf(request, 'content-length'), body.length))
    return null;
  const detail =
    body.length === 0
      ? 'it is empty'
      : signed === hash('')
        ? 'the hash is that of an empty body'
        : findChange(text, (before) => hash(before) === signed);
  return {
    id: 'payload-changed',
    stage: 'payload hash',
    culprit: `the body is not the one whose hash was signed in x-amz-content-sha256${detail === null ? '' : ` (${detail})`}`,
    rule: 'the server hashes the body that arrives and compares it: XAmzContentSHA256Mismatch',
    source: SOURCES.s3,
    mend: 'send the bytes that were hashed: curl --data-binary @file, one serialisation for both, and no proxy that rewrites or compresses bodies',
    proof: 'seen',
  };
}

/** A body as long as it was announced to be; none at all only where none was announced and one belongs. */
function isWhole(kind: Evidence['kind'], method: string, announced: string, lengthBytes: number): boolean {
  if (announced !== '') return Number(announced) === lengthBytes;
  // What stands behind a head without a length is the rest of a log.
  return lengthBytes === 0 ? method === 'PUT' || method === 'POST' : kind !== 'http';
}

function findChange(text: string, isIt: (before: string | Uint8Array) => boolean): string | null {
  if (text.length > BODY_BYTES_MAX) return null;
  for (const undo of [undoLineEnds, undoFormatting])
    for (const [detail, before] of undo(text)) if (isIt(before)) return detail;
  return null;
}
