/** Bodies that are cut or altered on their way. Tests only. */
import { WaybillError } from '../../core/failures.ts';
import type { Body, GetResult } from '../store.ts';

/** What a store that loses the second half takes for all of it. */
export async function cutBody(body: Body): Promise<Body> {
  const bytes = await toBytes(body);
  const half = bytes.subarray(0, Math.floor(bytes.byteLength / 2));
  return { sizeBytes: half.byteLength, content: half };
}

/** The same number of bytes, one of them another; without the hash that would give it away. An empty body stays. */
export async function alterBody(body: Body): Promise<Body> {
  const content = alterMiddle(await toBytes(body));
  return { sizeBytes: content.byteLength, content };
}

export function cutResult(result: GetResult): GetResult {
  return { ...result, body: cutStream(result) };
}

export function alterResult(result: GetResult): GetResult {
  return { ...result, body: alterStream(result.body) };
}

async function* cutStream({ body, range }: GetResult): AsyncGenerator<Uint8Array> {
  let left = Math.floor(range.lengthBytes / 2);
  for await (const chunk of body) {
    yield chunk.subarray(0, left);
    left -= chunk.byteLength;
    if (left <= 0) {
      break;
    }
  }
  throw new WaybillError('body_corrupt', 'a planned fault: the body ends early', { lengthBytes: range.lengthBytes });
}

async function* alterStream(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let first = true;
  for await (const chunk of body) {
    yield first ? alterMiddle(chunk) : chunk;
    first = false;
  }
}

function alterMiddle(bytes: Uint8Array): Uint8Array {
  const altered = Uint8Array.from(bytes);
  const middle = Math.floor(altered.byteLength / 2);
  if (altered.byteLength > 0) {
    altered[middle] = (altered[middle] ?? 0) ^ 0x01;
  }
  return altered;
}

async function toBytes(body: Body): Promise<Uint8Array> {
  if (body.content instanceof Uint8Array) {
    return body.content;
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of body.content()) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
