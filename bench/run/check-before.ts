/** What would otherwise be found in the middle, or after all was measured. Each throws an Error of one line. */
import { existsSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { findOnPath } from './find-on-path.ts';
import type { StoreKind } from './stores.ts';

export async function checkStoreKind(kind: StoreKind): Promise<void> {
  const isProgram = kind === 'minio' || kind === 'versitygw';
  if (isProgram && (await findOnPath(kind)) === null) throw new Error(`--store ${kind}: ${kind} is not on PATH`);
}

/** Opening it is the only sure way to know; nothing is left behind, and what is there stays. */
export async function checkWritable(file: string): Promise<void> {
  const wasThere = existsSync(file);
  try {
    await (await open(file, 'a')).close();
  } catch (error) {
    throw new Error(`--json: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  if (!wasThere) await rm(file);
}
