/** A directory of its own for a test's store. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export async function createScratchDirectory(): Promise<{
  readonly path: string;
  readonly remove: () => Promise<void>;
}> {
  const path = await mkdtemp(join(tmpdir(), 'waybill-store-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
