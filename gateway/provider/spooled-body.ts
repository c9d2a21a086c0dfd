/**
 * A body whose hash must be known before its first byte is sent, too large for memory: written to a file that nobody else can open,
 * then read back. The file loses its name right after it was made, so that no crash leaves it behind; the directory before that is
 * this user's alone.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WaybillError } from '../../core/failures.ts';
import { KiB, SINGLE_PUT_BYTES_MAX } from '../../core/limits.ts';

const READ_BYTES = 256 * KiB;

export class SpooledBody implements AsyncIterable<Uint8Array> {
  /** Lower-case hex. */
  readonly sha256: string;
  /** The body had ended well before anything was sent. */
  readonly isVerified = true;
  readonly #file: FileHandle;
  readonly #sizeBytes: number;
  #isOpen = true;

  constructor(file: FileHandle, sizeBytes: number, sha256: string) {
    this.#file = file;
    this.#sizeBytes = sizeBytes;
    this.sha256 = sha256;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (let at = 0; at < this.#sizeBytes;) {
      // A new buffer each time: the socket may still hold the one before.
      const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, this.#sizeBytes - at));
      const { bytesRead } = await this.#file.read(buffer, 0, buffer.byteLength, at);
      if (bytesRead === 0) throw new WaybillError('body_corrupt', 'the spooled body ends too early', { at });
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  /** Gives the disk space back. May be called again. */
  async release(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#file.close();
  }
}

/** @throws whatever the body fails with, body_corrupt for another length, store_error when the disk is full; no file is left then */
export async function spoolBody(body: AsyncIterable<Uint8Array>, contentLength: number): Promise<SpooledBody> {
  if (contentLength > SINGLE_PUT_BYTES_MAX) {
    throw new WaybillError('invalid_request', 'the body is too large for one request', { s3Code: 'EntityTooLarge' });
  }
  const file = await openNameless();
  try {
    const sha256 = createHash('sha256');
    let sizeBytes = 0;
    for await (const piece of body) {
      if (sizeBytes + piece.byteLength > contentLength) throw lengthDiffers(contentLength);
      sha256.update(piece);
      await writeWhole(file, piece, sizeBytes);
      sizeBytes += piece.byteLength;
    }
    if (sizeBytes !== contentLength) throw lengthDiffers(contentLength);
    return new SpooledBody(file, sizeBytes, sha256.digest('hex'));
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openNameless(): Promise<FileHandle> {
  const directory = await mkdtemp(join(tmpdir(), 'waybill-spool-'));
  try {
    const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    return await open(join(directory, 'body'), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  } catch (cause) {
    throw toDiskFailure(cause);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function writeWhole(file: FileHandle, piece: Uint8Array, at: number): Promise<void> {
  try {
    for (let done = 0; done < piece.byteLength;) {
      const { bytesWritten } = await file.write(piece, done, piece.byteLength - done, at + done);
      done += bytesWritten;
    }
  } catch (cause) {
    throw toDiskFailure(cause);
  }
}

function toDiskFailure(cause: unknown): WaybillError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
  return new WaybillError(
    'store_error',
    'the gateway could not spool the body',
    { s3Code: 'ServiceUnavailable', code },
    { cause },
  );
}

const lengthDiffers = (contentLength: number): WaybillError =>
  new WaybillError('body_corrupt', 'the body does not have the length that was promised', { contentLength });
