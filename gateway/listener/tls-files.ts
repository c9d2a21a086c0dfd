/**
 * A listener's certificate and key, and their replacement while it runs. The files are looked at every few seconds rather than
 * watched: certificates come through symbolic links, mounts and renames, of which fs.watch misses some. A pair that cannot be
 * used is told once and the old one stays; so does it for the moment between the writing of one file and of the other.
 */
import { X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { WaybillError } from '../../core/failures.ts';
import type { Log } from './listener-options.ts';

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

export interface TlsPair {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
}

/** No version below is safe, and every client of S3 has it. */
export const TLS_VERSION_MIN = 'TLSv1.2';
const LOOK_EVERY_MS = 5_000;

/** @throws invalid_config when a file cannot be read, or the two are not a certificate and its key */
export async function loadTls(files: TlsFiles): Promise<TlsPair> {
  const { certFile, keyFile } = files;
  let pair: { cert: Buffer; key: Buffer };
  try {
    const [cert, key] = await Promise.all([readFile(certFile), readFile(keyFile)]);
    pair = { cert, key };
  } catch (cause) {
    throw new WaybillError(
      'invalid_config',
      'the TLS certificate or its key cannot be read',
      { certFile, keyFile },
      { cause },
    );
  }
  try {
    createSecureContext({ ...pair, minVersion: TLS_VERSION_MIN });
  } catch (cause) {
    // OpenSSL's words name no bytes of either file.
    const why = cause instanceof Error ? cause.message : 'unknown';
    throw new WaybillError(
      'invalid_config',
      `the TLS certificate and its key cannot be used: ${why}`,
      { certFile, keyFile },
      { cause },
    );
  }
  return pair;
}

export interface TlsWatch {
  /** Looks now. Resolves when what was found is in use, or refused. */
  look(): Promise<void>;
  stop(): void;
}

export interface OpenedTls {
  readonly pair: TlsPair;
  /** From now on a pair that replaces this one is given to `use`. */
  watch(use: (pair: TlsPair) => void, logger: Log, everyMs?: number): TlsWatch;
}

/** @throws invalid_config as `loadTls` */
export async function openTls(files: TlsFiles): Promise<OpenedTls> {
  // Before the files are read: what is written meanwhile is then found by the first look.
  const mark = await readMark(files);
  const pair = await loadTls(files);
  return { pair, watch: (use, logger, everyMs = LOOK_EVERY_MS) => watchTls(files, mark, use, logger, everyMs) };
}

function watchTls(files: TlsFiles, mark: string, use: (pair: TlsPair) => void, logger: Log, everyMs: number): TlsWatch {
  let seen = mark;
  let looking: Promise<void> = Promise.resolve();
  const lookOnce = async (): Promise<void> => {
    const found = await readMark(files);
    if (found === seen) return;
    seen = found;
    try {
      const pair = await loadTls(files);
      use(pair);
      logger.info({ certFile: files.certFile, validTo: toValidTo(pair) }, 'a new TLS certificate is in use');
    } catch (error) {
      logger.warn({ err: error }, 'the new TLS certificate is refused; the old one stays in use');
    }
  };
  const look = (): Promise<void> => (looking = looking.then(lookOnce));
  const timer = setInterval(() => void look(), everyMs);
  timer.unref();
  return { look, stop: () => clearInterval(timer) };
}

function toValidTo(pair: TlsPair): string {
  return new X509Certificate(pair.cert).validTo;
}

/** Changes with either file; one that is away has a mark of its own. */
async function readMark({ certFile, keyFile }: TlsFiles): Promise<string> {
  const marks = [certFile, keyFile].map(async (file) => {
    try {
      const { ino, size, mtimeMs } = await stat(file);
      return `${String(ino)}:${String(size)}:${String(mtimeMs)}`;
    } catch {
      return 'absent';
    }
  });
  return (await Promise.all(marks)).join(' ');
}
