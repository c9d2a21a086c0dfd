/**
 * Compares the directory store with the in-memory model, step by step: the same results, the same failures, the same state. Where the
 * disk dies in the middle of a step, the state afterwards is that before the step or that after it, and that after it when the
 * step had been acknowledged. In the end the directory holds exactly the files that the index names.
 */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { isWaybillError } from '../../core/failures.ts';
import { createFilesystemStore } from '../../stores/filesystem/create-filesystem-store.ts';
import { createMemoryStore } from '../../stores/memory/create-memory-store.ts';
import type { UploadedPart } from '../../stores/store.ts';
import { CrashingDisk } from './crashing-ground.ts';
import { toMd5 } from './store-bytes.ts';
import { buildStoreCommands } from './store-commands.ts';
import type { Command, CommandOptions, Side, Step } from './store-commands.ts';
import { drain } from './store-drain.ts';
import { createScratchDirectory } from './store-scratch.ts';

const now = (): number => 1_760_000_000_000;
const INLINE_BYTES_MAX = 16 * 1024;

/** How many steps after the beginning of which command the disk dies, and whether what was not synced is lost. */
export interface Crash {
  readonly command: number;
  readonly steps: number;
  readonly losePower: boolean;
}

export interface ModelCounts {
  sequences: number;
  operations: number;
  crashes: number;
  /** Of the crashes: those whose operation took effect. */
  effects: number;
}

const crash = (commandsMax: number): fc.Arbitrary<Crash> =>
  fc.record({
    command: fc.integer({ min: 0, max: commandsMax }),
    steps: fc.integer({ min: 1, max: 24 }),
    losePower: fc.boolean(),
  });

/**
 * @param limitMs after which no further sequence begins, for a machine that is busy with other things
 * @throws an assertion, with seed and path to repeat it, when a sequence was found under which the two differ
 */
export async function checkModel(runs: number, options: CommandOptions, limitMs?: number): Promise<ModelCounts> {
  const counts: ModelCounts = { sequences: 0, operations: 0, crashes: 0, effects: 0 };
  const commands = buildStoreCommands(options);
  const crashing = fc.option(crash(options.maxLength), { nil: undefined });
  const property = fc.asyncProperty(commands, crashing, (each, at) => checkSequence(each, at, counts));
  await fc.assert(property, {
    numRuns: runs,
    includeErrorInReport: true,
    ...(limitMs === undefined ? {} : { interruptAfterTimeLimit: limitMs }),
  });
  return counts;
}

async function checkSequence(commands: Command[], crash: Crash | undefined, counts: ModelCounts): Promise<void> {
  counts.sequences += 1;
  const scratch = await createScratchDirectory();
  const disk = new CrashingDisk();
  const open = async (): Promise<Side['store']> => {
    const store = await createFilesystemStore({ root: scratch.path, fsync: true, now }, disk.ground);
    await store.swept;
    return store;
  };
  const model: Side = { store: createMemoryStore(now), uploadIds: [] };
  const real: Side = { store: await open(), uploadIds: [] };
  const reopen = async (): Promise<void> => {
    await real.store.close();
    real.store = await open();
  };
  let recovered = false;
  /** After the disk died: the store as it comes back. */
  const recover = async (): Promise<unknown> => {
    recovered = true;
    counts.crashes += 1;
    await disk.restart(crash?.losePower === true);
    real.store = await open();
    return stateOf(real);
  };
  try {
    for (const [index, { name, run }] of commands.entries()) {
      counts.operations += 1;
      if (index === crash?.command) {
        disk.crashAt(crash.steps);
      }
      const before = index >= (crash?.command ?? Infinity) ? await stateOf(model) : undefined;
      const outcome = await outcomeOf(run === 'reopen' ? reopen : run, real);
      const expected = await outcomeOf(run === 'reopen' ? nothing : run, model);
      if (disk.crashed) {
        const found = await recover();
        if (isDeepStrictEqual(found, await stateOf(model))) {
          counts.effects += 1;
        } else {
          assert.ok('failure' in outcome, `${name} was acknowledged and is lost`);
          assert.deepEqual(found, before, `${name} left something between before and after`);
        }
        break;
      }
      assert.deepEqual(outcome, expected, name);
    }
    if (!recovered) {
      // A file may be removed in the background after its operation ended, and the disk die there.
      const found = disk.crashed ? await recover() : await stateOf(real);
      assert.deepEqual(found, await stateOf(model));
      disk.crashAt(Infinity);
    }
    const expectedFiles = await countFiles(real);
    await real.store.close();
    assert.equal((await listFiles(scratch.path)).length, expectedFiles);
  } finally {
    await real.store.close().catch(() => undefined);
    await scratch.remove();
  }
}

const nothing = async (): Promise<void> => undefined;

type Outcome = { readonly result: unknown } | { readonly failure: string; readonly s3Code: unknown };

/** A result, or the type and S3 code of the failure. */
async function outcomeOf(step: Step, side: Side): Promise<Outcome> {
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
    names.map(async (bucket) => {
      const { objects } = await store.list({ bucket });
      const infos = await Promise.all(
        objects.map(async ({ key }) => {
          const { info, body } = await store.get({ bucket, key });
          const { parts } = await store.head({ bucket, key, withParts: true });
          return { info, parts, tags: await store.getTags({ bucket, key }), body: toMd5(await drain(body)) };
        }),
      );
      const uploads = await Promise.all(
        (await store.listUploads({ bucket, prefix: '' })).map(async ({ uploadId, ...upload }) => {
          const parts = await store.listParts({ bucket, key: upload.key, uploadId });
          const order = [upload.key, upload.checksum?.algorithm, upload.checksum?.type, ...parts.map(toPartText)].join(
            ' ',
          );
          return { order, upload, parts };
        }),
      );
      // Uploads of one key that began in the same millisecond have no order.
      uploads.sort((a, b) => (a.order < b.order ? -1 : 1));
      return { bucket, objects, infos, uploads };
    }),
  );
}

const toPartText = ({ partNumber, etag, checksum }: UploadedPart): string =>
  `${String(partNumber)} ${etag} ${checksum?.value ?? ''}`;

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
