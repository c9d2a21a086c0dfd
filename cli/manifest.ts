/**
 * `waybill manifest`: descriptors as JSON Lines, in any order, to the canonical bytes of their manifest or its hash. Memory is bounded
 * whatever the length of the input. Nothing reaches stdout unless the whole input is good, so that a pipe never sees half a manifest.
 */
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Command } from 'commander';
import { parseRunId } from '../core/ids.ts';
import { ManifestDigest } from '../manifest/digest.ts';
import { printManifest } from '../manifest/print-manifest.ts';
import { keepBodies } from './manifest/keep-bodies.ts';
import { SpillFile } from './manifest/spill-file.ts';
import { sortInput } from './manifest/sort-input.ts';

interface ManifestOptions {
  readonly runId?: string;
  readonly hash?: true;
}

export function buildManifestCommand(): Command {
  return new Command('manifest')
    .description('print the canonical manifest of descriptors, or its hash')
    .argument('[file]', 'JSON Lines of {"bucket","key","size","etag"[,"version_id"]}; - is stdin', '-')
    .option('--run-id <id>', 'the run that the manifest is of; default: WAYBILL_RUN_ID')
    .option('--hash', 'print the SHA-256 of the manifest in hex instead of its bytes')
    .action(async (file: string, options: ManifestOptions, command: Command) => {
      const runId = options.runId ?? process.env['WAYBILL_RUN_ID'];
      if (runId === undefined)
        command.error('a manifest has a run_id: name it with --run-id or WAYBILL_RUN_ID', { exitCode: 2 });
      parseRunId(runId);
      await printFile(runId, await openInput(file, command), options.hash === true);
    });
}

async function printFile(runId: string, input: AsyncIterable<Uint8Array>, hashOnly: boolean): Promise<void> {
  let opened: Promise<SpillFile> | undefined;
  const openSpill = (): Promise<SpillFile> => (opened ??= SpillFile.create());
  try {
    const bodies = sortInput(input, openSpill);
    const output = hashOnly
      ? await hashBodies(runId, bodies)
      : printManifest(runId, await keepBodies(bodies, openSpill));
    await writeOut(output);
  } finally {
    await (await opened)?.close();
  }
}

async function hashBodies(runId: string, bodies: AsyncIterable<Uint8Array>): Promise<string[]> {
  const digest = new ManifestDigest(runId);
  for await (const body of bodies) digest.addBody(body);
  return [`${digest.finish().hash}\n`];
}

async function openInput(file: string, command: Command): Promise<AsyncIterable<Uint8Array>> {
  if (file === '-') return process.stdin;
  try {
    return (await open(file)).createReadStream();
  } catch (error) {
    command.error(`cannot read ${file}: ${(error as Error).message}`, { exitCode: 2 });
  }
}

/** Waits for the reader. A reader that leaves early has what it wanted: that is no failure. */
async function writeOut(output: AsyncIterable<Uint8Array> | readonly string[]): Promise<void> {
  try {
    await pipeline(Readable.from(output, { objectMode: false }), process.stdout, { end: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
}
