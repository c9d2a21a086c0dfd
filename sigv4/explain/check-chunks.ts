/**
 * A body that is sent in chunks (STREAMING-…), behind a head whose signature may well hold: whether its framing came through, and,
 * with the secret, which chunk's signature or which trailer's does not hold, and why.
 */
import type { Evidence } from '../evidence/evidence.ts';
import type { Finding } from './finding.ts';
import { SOURCES } from './mutation.ts';
import { proveChunks, type ChunkKey } from './prove-chunks.ts';
import { readChunks, unwrapTransferChunks, type ChunkedBody } from './read-chunks.ts';
import { headerOf } from './signing-inputs.ts';

const decoder = new TextDecoder();

/** @param key null when the seed's signature does not hold, or nobody has the secret: then the framing alone is looked at */
export function checkChunks({ request, body, kind }: Evidence, key: ChunkKey | null): readonly Finding[] {
  if (request === null || body === null || body.length === 0 || kind === 'log') return [];
  const mode = headerOf(request, 'x-amz-content-sha256');
  // Bytes that were lost in a paste would be taken for a change on the way.
  if (!mode.startsWith('STREAMING-') || decoder.decode(body).includes('\ufffd')) return [];
  const isSigned = mode.startsWith('STREAMING-AWS4-HMAC-SHA256');
  const hasOuter = headerOf(request, 'transfer-encoding').toLowerCase().includes('chunked');
  const plain = hasOuter ? unwrapTransferChunks(body) : body;
  const decoded = headerOf(request, 'x-amz-decoded-content-length');
  const read = readChunks(plain);
  if (read === null || (isSigned && read.chunks.every(({ signature }) => signature === null)))
    return [toFraming(read === null ? 'the body has no chunks' : 'the chunks have no signatures', read === null, mode)];
  const announced = headerOf(request, 'x-amz-trailer').trim().toLowerCase();
  const shape = checkShape(read, decoded, announced, isSigned && mode.endsWith('-TRAILER'));
  const proved = key === null || !isSigned ? null : proveChunks(read, key);
  // A chunk that was changed explains a length that is not the announced one, and not the other way round.
  return proved === null ? shape : [proved, ...shape];
}

const sizeOf = ({ chunks }: ChunkedBody): number => chunks.reduce((sum, { data }) => sum + data.length, 0);

function checkShape(
  read: ChunkedBody,
  decoded: string,
  announced: string,
  wantsSignature: boolean,
): readonly Finding[] {
  const findings: Finding[] = [];
  if (read.end !== 'whole') {
    const where = `behind ${String(read.chunks.length)} chunks and ${String(sizeOf(read))} bytes`;
    const what = read.end === 'cut' ? `ends ${where}, without its empty last chunk` : `has no size of a chunk ${where}`;
    findings.push(
      toFinding(
        'chunks-cut',
        `the body ${what}`,
        'the last chunk is empty and ends the body',
        'send the body whole: a proxy or a limit on its size cut it, or the sizes of the chunks are wrong',
      ),
    );
    return findings;
  }
  if (decoded !== '' && Number(decoded) !== sizeOf(read))
    findings.push(
      toFinding(
        'decoded-length',
        `x-amz-decoded-content-length says ${decoded}, and the chunks hold ${String(sizeOf(read))} bytes`,
        'x-amz-decoded-content-length is the length of the object, Content-Length that of the chunks with their framing',
        'set it to the length of the object before its framing',
      ),
    );
  if (announced !== '' && !read.trailers.some(([name]) => name === announced))
    findings.push(
      toFinding(
        'trailer-missing',
        `x-amz-trailer announces ${announced}, and the body ends without it`,
        'what x-amz-trailer announces stands behind the last chunk',
        'let nothing drop trailers (proxies that take chunks apart do), or send the checksum as a header: AWS_REQUEST_CHECKSUM_CALCULATION=when_required',
      ),
    );
  if (wantsSignature && read.trailerSignature === null)
    findings.push(
      toFinding(
        'trailer-signature-missing',
        'the trailer has no x-amz-trailer-signature',
        'in the -TRAILER form the trailers are signed, too',
        'send x-amz-trailer-signature behind the trailers, or use STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
      ),
    );
  return findings;
}

function toFraming(what: string, isGone: boolean, mode: string): Finding {
  return toFinding(
    'chunk-framing-lost',
    `${what}, and x-amz-content-sha256 says ${mode}: the framing was ${isGone ? 'taken off' : 'written anew'} on the way`,
    'aws-chunked is part of the body, not of the transfer: its sizes and signatures arrive as they were sent',
    'let the proxy pass the body through unread (nginx: proxy_request_buffering off), and sign the payload whole where it cannot',
  );
}

const toFinding = (id: string, culprit: string, rule: string, mend: string): Finding => ({
  id,
  stage: 'payload hash',
  culprit,
  rule,
  source: SOURCES.chunks,
  mend,
  proof: 'seen',
});
