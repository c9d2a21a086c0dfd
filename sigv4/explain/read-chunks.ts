/**
 * Takes a body that was sent aws-chunked apart, leniently: it is read to be explained and not to be stored, so line ends may be LF
 * and whatever is there is told. See gateway/body/aws-chunked.ts for the strict reading.
 */

export interface Chunk {
  readonly data: Uint8Array;
  /** Null when it carries none. */
  readonly signature: string | null;
}

export interface ChunkedBody {
  /** In order of arrival; the empty last one included, when it came. */
  readonly chunks: readonly Chunk[];
  readonly trailers: readonly (readonly [name: string, value: string])[];
  readonly trailerSignature: string | null;
  /** Where the reading ended: `whole`, in the middle of a chunk's data, or at something that is no size. */
  readonly end: 'whole' | 'cut' | 'not a size';
}

const decoder = new TextDecoder('utf-8');
const LINE_BYTES_MAX = 512;
const CHUNKS_MAX = 10_000;

/** Null when it does not begin with a chunk at all. */
export function readChunks(body: Uint8Array): ChunkedBody | null {
  const chunks: Chunk[] = [];
  let at = 0;
  while (chunks.length < CHUNKS_MAX) {
    const line = readLine(body, at);
    const size =
      line === null ? null : /^([0-9a-f]{1,12})(?:;chunk-signature=([^;]*))?(?:;.*)?$/i.exec(line.text.trim());
    if (line === null || size === null) {
      if (chunks.length === 0) return null;
      return { chunks, trailers: [], trailerSignature: null, end: at >= body.length ? 'cut' : 'not a size' };
    }
    const sizeBytes = Number.parseInt(size[1] ?? '0', 16);
    const data = body.subarray(line.end, line.end + sizeBytes);
    chunks.push({ data, signature: size[2] ?? null });
    if (data.length < sizeBytes) return { chunks, trailers: [], trailerSignature: null, end: 'cut' };
    at = line.end + sizeBytes;
    if (sizeBytes === 0) return { chunks, ...readTrailers(body, at), end: 'whole' };
    at += body[at] === 13 && body[at + 1] === 10 ? 2 : body[at] === 10 ? 1 : 0;
  }
  return null;
}

function readTrailers(body: Uint8Array, from: number): Pick<ChunkedBody, 'trailers' | 'trailerSignature'> {
  const trailers: (readonly [string, string])[] = [];
  let trailerSignature: string | null = null;
  for (let line = readLine(body, from); line !== null && line.text !== ''; line = readLine(body, line.end)) {
    const colon = line.text.indexOf(':');
    if (colon < 0) break;
    const name = line.text.slice(0, colon).trim().toLowerCase();
    const value = line.text.slice(colon + 1).trim();
    if (name === 'x-amz-trailer-signature') trailerSignature = value;
    else trailers.push([name, value]);
  }
  return { trailers, trailerSignature };
}

/** Up to CR LF or LF; null when none ends there. */
function readLine(body: Uint8Array, from: number): { readonly text: string; readonly end: number } | null {
  const end = body.indexOf(10, from);
  const last = end < 0 ? body.length : end;
  if (last - from > LINE_BYTES_MAX || from >= body.length) return null;
  const text = decoder.decode(body.subarray(from, last)).replace(/\r$/, '');
  return { text, end: end < 0 ? body.length : end + 1 };
}

/** Takes HTTP's own chunks off (Transfer-Encoding: chunked); the body itself when it has none. */
export function unwrapTransferChunks(body: Uint8Array): Uint8Array {
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (;;) {
    const line = readLine(body, at);
    if (line === null || !/^[0-9a-f]{1,12}$/i.test(line.text.trim())) return body;
    const sizeBytes = Number.parseInt(line.text.trim(), 16);
    pieces.push(body.subarray(line.end, line.end + sizeBytes));
    at = line.end + sizeBytes;
    if (sizeBytes === 0) break;
    if (at >= body.length) return body;
    at += body[at] === 13 ? 2 : 1;
  }
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let end = 0;
  for (const piece of pieces) {
    whole.set(piece, end);
    end += piece.length;
  }
  return whole;
}
