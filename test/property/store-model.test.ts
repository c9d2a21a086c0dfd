/**
 * The directory store agrees with the in-memory model under any sequence of operations: the same results, the same failures, the
 * same listing afterwards, also when it was closed and opened again in between. Afterwards the directory holds exactly the
 * files that the index names.
 */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import fc from 'fast-check';
import { isWaybillError } from '../../core/failures.ts';
import { createFilesystemStore } from '../../stores/filesystem/create-filesystem-store.ts';
import { createMemoryStore } from '../../stores/memory/create-memory-store.ts';
import { storeCommands } from '../support/store-commands.ts';
import type { Side, Step } from '../support/store-commands.ts';
import { createScratchDirectory } from '../support/store-scratch.ts';

const now = (): number => 1_760_000_000_000;
const INLINE_BYTES_MAX = 16 * 1024;

it('the directory store agrees with the model under any sequence of operations', async () => {
  const property = fc.asyncProperty(storeCommands, async (commands) => {
    const scratch = await createScratchDirectory();
    const open = (): Promise<Side['store']> => createFilesystemStore({ root: scratch.path, fsync: false, now });
    const model: Side = { store: createMemoryStore(now), uploadIds: [] };
    const real: Side = { store: await open(), uploadIds: [] };
    try {
      for (const { name, run } of commands) {
        if (run === 'reopen') {
          await real.store.close();
          real.store = await open();
        } else {
          assert.deepEqual(await outcomeOf(run, real), await outcomeOf(run, model), name);
        }
      }
      assert.deepEqual(await stateOf(real), await stateOf(model));
      const expected = await countFiles(real);
      await real.store.close();
      assert.equal((await listFiles(scratch.path)).length, expected);
    } finally {
      await real.store.close();
      await scratch.remove();
    }
  });
  await fc.assert(property, { numRuns: 60 });
});

/** A result, or the type and S3 code of the failure. */
async function outcomeOf(step: Step, side: Side): Promise<unknown> {
  try {
    return { result: (await step(side)) ?? null };
  } catch (error) {
    assert.ok(isWaybillError(error), String(error));
    return { failure: error.type, s3Code: error.details['s3Code'] ?? null };
  }
}

async function stateOf({ store }: Side): Promise<unknown> {
  const names = (await store.listBuckets()).map((each) => each.name);
  return Promise.all(
    names.map(async (name) => {
      const { objects } = await store.list({ bucket: name });
      const infos = await Promise.all(objects.map((each) => store.head({ bucket: name, key: each.key })));
      const uploads = await store.listUploads({ bucket: name, prefix: '' });
      return { name, objects, infos, uploads: uploads.map((each) => each.key) };
    }),
  );
}

/** How many data files there should be: one for each large object and each part, of an object made of one part too. */
async function countFiles({ store }: Side): Promise<number> {
  let count = 0;
  for (const { name } of await store.listBuckets()) {
    const { objects } = await store.list({ bucket: name });
    count += objects.filter((each) => each.sizeBytes > INLINE_BYTES_MAX || each.etag.endsWith('-1')).length;
    for (const { key, uploadId } of await store.listUploads({ bucket: name, prefix: '' })) {
      count += (await store.listParts({ bucket: name, key, uploadId })).length;
    }
  }
  return count;
}

async function listFiles(root: string): Promise<string[]> {
  const names = await readdir(join(root, 'data'));
  const files = await Promise.all(names.map((name) => readdir(join(root, 'data', name))));
  return [...files.flat(), ...(await readdir(join(root, 'tmp')))];
}
