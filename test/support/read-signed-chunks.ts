/**
 * Takes a body in signed chunks apart and computes every signature anew, from AWS's description and with node:crypto alone, so that it
 * shares nothing with the code that it judges.
 */
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import type { ProviderRequest } from './start-fake-provider.ts';

export interface SignedChunksRead {
  readonly bytes: Buffer;
  readonly chunkBytes: readonly number[];
  readonly trailers: Readonly<Record<string, string>>;
}

/** @throws AssertionError where a frame or a signature is not as it must be */
export function readSignedChunks(request: ProviderRequest, secret: string): SignedChunksRead {
  const authorization = request.header('authorization') ?? '';
  const scope = /Credential=[^/]+\/([^,]+)/.exec(authorization)?.[1] ?? '';
  const date = request.header('x-amz-date') ?? '';
  const key = scope
    .split('/')
    .reduce<Buffer>((from, part) => createHmac('sha256', from).update(part).digest(), Buffer.from(`AWS4${secret}`));
  let previous = /Signature=([0-9a-f]{64})$/.exec(authorization)?.[1] ?? '';
  const sign = (algorithm: string, ...rest: string[]): string => {
    previous = createHmac('sha256', key)
      .update([algorithm, date, scope, previous, ...rest].join('\n'))
      .digest('hex');
    return previous;
  };
  const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');

  const { body } = request;
  let at = 0;
  const line = (): string => {
    const end = body.indexOf('\r\n', at);
    assert.ok(end >= 0, 'a line without an end');
    const text = body.subarray(at, end).toString('latin1');
    at = end + 2;
    return text;
  };
  const pieces: Buffer[] = [];
  for (;;) {
    const [, size = '', signature = ''] = /^([0-9a-f]+);chunk-signature=([0-9a-f]{64})$/.exec(line()) ?? [];
    assert.notEqual(size, '', 'not the head of a chunk');
    const bytes = body.subarray(at, at + Number.parseInt(size, 16));
    at += bytes.byteLength;
    assert.equal(signature, sign('AWS4-HMAC-SHA256-PAYLOAD', sha256(''), sha256(bytes)), `chunk ${pieces.length}`);
    if (bytes.byteLength === 0) break;
    assert.equal(line(), '');
    pieces.push(bytes);
  }
  const trailers: Record<string, string> = {};
  if (request.header('x-amz-content-sha256')?.endsWith('-TRAILER') === true) {
    const [name = '', value = ''] = line().split(':');
    assert.equal(name, request.header('x-amz-trailer'));
    trailers[name] = value;
    assert.equal(line(), `x-amz-trailer-signature:${sign('AWS4-HMAC-SHA256-TRAILER', sha256(`${name}:${value}\n`))}`);
  }
  assert.equal(line(), '');
  assert.equal(at, body.byteLength, 'bytes behind the end');
  assert.equal(request.header('x-amz-decoded-content-length'), String(Buffer.concat(pieces).byteLength));
  return { bytes: Buffer.concat(pieces), chunkBytes: pieces.map(({ byteLength }) => byteLength), trailers };
}
