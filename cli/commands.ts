/** The commands and what each is for; a command's module is loaded when it is named, and not before. */
import type { Command } from 'commander';
import { WaybillError } from '../core/failures.ts';

/** In the order in which `waybill --help` shows them. */
export const COMMANDS = {
  dev: 'run everything on this machine: stores, gateway, worker, API, Temporal, Postgres',
  demo: 'bring up a stack, move real objects twice, and show what it proves',
  run: 'start a run of a pipeline through the API',
  runs: 'list and show runs; pause, resume and cancel them',
  manifest: 'print the canonical manifest of descriptors, or its hash',
  store: 'serve a directory as an S3 store',
  gateway: 'serve the signing gateway',
  worker: 'carry out runs',
  api: 'serve the REST API',
  migrate: 'bring the schema of the ledger up to date',
  token: 'make a token for the API',
  config: 'check a configuration file, or print its JSON Schema',
} as const;

export type CommandName = keyof typeof COMMANDS;

export const isCommandName = (value: string | undefined): value is CommandName =>
  value !== undefined && Object.hasOwn(COMMANDS, value);

/** `cli/NAME.ts` exports `buildNAMECommand`. */
export async function loadCommand(name: CommandName): Promise<Command> {
  const builder = `build${name.charAt(0).toUpperCase()}${name.slice(1)}Command`;
  const module = await importCommand(name);
  const build = module[builder];
  if (typeof build !== 'function') {
    throw new WaybillError('unclassified', `cli/${name}.ts does not export ${builder}`);
  }
  return (build as () => Command)();
}

async function importCommand(name: CommandName): Promise<Readonly<Record<string, unknown>>> {
  // From source the modules are .ts, built they are .js; this file's own name tells which.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const url = new URL(`./${name}.${extension}`, import.meta.url).href;
  try {
    return (await import(url)) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    const { code, url: missing } = cause as { code?: string; url?: string };
    if (code !== 'ERR_MODULE_NOT_FOUND' || (missing ?? url) !== url) throw cause;
    throw new WaybillError('not_implemented', `the command ${name} is not part of this build`, {}, { cause });
  }
}
