/** Takes in the bytes of a PUT or of a part: small ones stay in memory for the index, larger ones go to a file. */
import type { ETag } from '../../core/ids.ts';
import { KiB } from '../../core/limits.ts';
import { BodyCheck, checkBytes, toChunks } from '../rules/body-check.ts';
import type { Stop } from '../rules/body-check.ts';
import type { Body } from '../store.ts';
import type { Engine } from './engine.ts';
import { dataKey, inlineKey } from './index-keys.ts';
import type { Change } from './object-index.ts';
import type { DataRef } from './records.ts';

/**
 * Bodies up to this size live in the index. A file costs an inode, a rename and two fsyncs of its own, several times the CPU of an
 * inline put; inline bytes share the batch's one fsync, but LevelDB writes them to its log, to a table and again in compactions.
 * Above 16 KiB the rates were equal within the noise (docs/decisions/filesystem-layout.md), and the disk is spared.
 */
export const INLINE_BYTES_MAX = 16 * KiB;

export interface ReceivedBody {
  readonly data: DataRef;
  readonly etag: ETag;
  readonly sizeBytes: number;
  /** Makes the data belong to what the same batch writes. */
  readonly change: Change;
}

/** @throws body_corrupt, store_refused (too large); then nothing is left behind */
export async function receiveBody(
  engine: Engine,
  body: Body,
  signal: AbortSignal | undefined,
  place: 'inline-if-small' | 'file',
): Promise<ReceivedBody> {
  const id = engine.ids.create();
  const { sizeBytes } = body;
  const either = toEither(signal, engine.closing);
  if (place === 'inline-if-small' && sizeBytes <= INLINE_BYTES_MAX) {
    const bytes = await toBytes(body, either);
    return {
      data: { kind: 'inline', id },
      etag: checkBytes(body, bytes),
      sizeBytes,
      change: { key: inlineKey(id), value: bytes },
    };
  }
  const check = new BodyCheck(body);
  let etag: ETag | undefined;
  await engine.files.write(
    id,
    checked(body, check, either, (found) => (etag = found)),
  );
  return { data: { kind: 'file', id }, etag: etag as ETag, sizeBytes, change: { key: dataKey(id), value: '' } };
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
async function* checked(
  body: Body,
  check: BodyCheck,
  signal: Stop,
  finish: (etag: ETag) => void,
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
