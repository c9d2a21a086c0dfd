/** Takes in the bytes of a PUT or of a part: small ones stay in memory for the index, larger ones go to a file. */
import { KiB } from '../../core/limits.ts';
import { BodyCheck, checkBytes, toChunks } from '../rules/body-check.ts';
import type { CheckedBody, Stop } from '../rules/body-check.ts';
import { toFullChecksum } from '../rules/body-checksum.ts';
import type { ChecksumRule } from '../rules/body-checksum.ts';
import { acquireChecksumHash } from '../rules/checksum-hash.ts';
import type { Body } from '../store.ts';
import type { Engine } from './engine.ts';
import { dataKey, inlineKey } from './index-keys.ts';
import type { Change } from './object-index.ts';
import type { DataRef } from './records.ts';
import { SegmentBody } from './segment-body.ts';

/**
 * Bodies up to this size live in the index. A file costs an inode, a rename and two fsyncs of its own, several times the CPU of an
 * inline put; inline bytes share the batch's one fsync, but LevelDB writes them to its log, to a table and again in compactions.
 * Above 16 KiB the rates were equal within the noise (docs/decisions/filesystem-layout.md), and the disk is spared.
 */
export const INLINE_BYTES_MAX = 16 * KiB;

export interface ReceivedBody extends CheckedBody {
  readonly data: DataRef;
  readonly sizeBytes: number;
  /** Makes the data belong to what the same batch writes. */
  readonly change: Change;
}

/** @throws body_corrupt, store_refused (too large, wrong checksum algorithm); then nothing is left behind */
export async function receiveBody(
  engine: Engine,
  body: Body,
  { signal, rule, place }: { signal: AbortSignal | undefined; rule: ChecksumRule; place: 'inline-if-small' | 'file' },
): Promise<ReceivedBody> {
  const id = engine.ids.create();
  const { sizeBytes } = body;
  const either = toEither(signal, engine.closing);
  if (place === 'inline-if-small' && sizeBytes <= INLINE_BYTES_MAX) {
    const bytes = await toBytes(body, either);
    const checked = await checkBytes(body, bytes, rule);
    return { ...checked, data: { kind: 'inline', id }, sizeBytes, change: { key: inlineKey(id), value: bytes } };
  }
  const checked = await writeFile(engine, id, body, rule, either);
  const received: ReceivedBody = {
    ...checked,
    data: { kind: 'file', id },
    sizeBytes,
    change: { key: dataKey(id), value: '' },
  };
  return checked.kept === undefined ? withChecksumOf(engine, received, rule) : received;
}

async function writeFile(
  engine: Engine,
  id: string,
  body: Body,
  rule: ChecksumRule,
  signal: Stop,
): Promise<CheckedBody> {
  const check = await BodyCheck.open(body, rule);
  let checked: CheckedBody | undefined;
  try {
    await engine.files.write(
      id,
      passThrough(body, check, signal, (found) => (checked = found)),
    );
  } finally {
    check.close();
  }
  return checked as CheckedBody;
}

/** For the body that promised a checksum and brought none. Rare, so its file is read again rather than every body hashed once more. */
async function withChecksumOf(
  engine: Engine,
  received: ReceivedBody,
  { algorithm }: ChecksumRule,
): Promise<ReceivedBody> {
  const { data, sizeBytes } = received;
  const hash = await acquireChecksumHash(algorithm);
  try {
    for await (const chunk of new SegmentBody(engine.files, [{ id: data.id, offset: 0, lengthBytes: sizeBytes }])) {
      hash.update(chunk);
    }
    return { ...received, kept: toFullChecksum(algorithm, hash.digest()) };
  } catch (error) {
    discardBody(engine, received);
    throw error;
  } finally {
    hash.release();
  }
}

/** A body whose transaction is on disk. */
export function keepBody(engine: Engine, received: ReceivedBody): void {
  if (received.data.kind === 'file') {
    engine.files.keep(received.data.id);
  }
}

/** Forgets a body whose transaction failed. After a batch was lost its fate is unknown, and its file stays for the sweep. */
export function discardBody(engine: Engine, received: ReceivedBody): void {
  if (received.data.kind === 'file' && !engine.commits.broken) {
    engine.files.release([received.data.id]);
  }
}

/** The check fails inside the write, before the file gets its name. */
async function* passThrough(
  body: Body,
  check: BodyCheck,
  signal: Stop,
  finish: (checked: CheckedBody) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of toChunks(body, signal)) {
    check.update(chunk);
    yield chunk;
  }
  finish(check.finish());
}

/** AbortSignal.any would add a listener to the store's own signal for every request. */
function toEither(signal: AbortSignal | undefined, closing: AbortSignal): Stop {
  return {
    get aborted() {
      return signal?.aborted === true || closing.aborted;
    },
    throwIfAborted: () => {
      signal?.throwIfAborted();
      closing.throwIfAborted();
    },
  };
}

async function toBytes(body: Body, signal: Stop): Promise<Uint8Array> {
  if (body.content instanceof Uint8Array) {
    return body.content;
  }
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of toChunks(body, signal)) {
    chunks.push(chunk);
    sizeBytes += chunk.byteLength;
    if (sizeBytes > body.sizeBytes) {
      break;
    }
  }
  return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
}
