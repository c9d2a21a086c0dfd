/** Turns what the file system and LevelDB throw into failures of our table. */
import { isWaybillError, WaybillError } from '../../core/failures.ts';

const MEANINGS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk of the store is full',
  EDQUOT: "the store's disk quota is used up",
  EIO: 'the disk of the store failed',
  EROFS: 'the file system of the store is read-only',
  EACCES: 'the process may not use the directory of the store',
  EPERM: 'the process may not use the directory of the store',
  ENOTDIR: 'a file stands where the store needs a directory',
  EMFILE: 'the process has too many files open',
  ENFILE: 'the machine has too many files open',
  LEVEL_DATABASE_NOT_OPEN: 'the store is closed',
  LEVEL_ITERATOR_NOT_OPEN: 'the store is closed',
  LEVEL_CORRUPTION: 'the index of the store is damaged',
  LEVEL_IO_ERROR: 'the index of the store cannot be read or written',
};

/** Our own failures and cancellations pass through; everything else becomes store_error with the code of its cause. */
export function toDiskFailure(error: unknown, operation: string): Error {
  if (isWaybillError(error) || (error instanceof Error && error.name === 'AbortError')) {
    return error;
  }
  const code = toCode(error);
  return new WaybillError(
    'store_error',
    (code === undefined ? undefined : MEANINGS[code]) ?? 'the directory store failed',
    { s3Code: 'InternalError', status: 500, operation, ...(code === undefined ? {} : { code }) },
    { cause: error },
  );
}

function toCode(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** A store of one operation each, whose failures are all of our table. */
export async function guard<T>(operation: string, run: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    signal?.throwIfAborted();
    return await run();
  } catch (error) {
    if (signal?.aborted === true) {
      throw error;
    }
    throw toDiskFailure(error, operation);
  }
}
