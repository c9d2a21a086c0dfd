/**
 * Reads `waybill.yaml`. All of it is checked before anything starts, and everything that is wrong is told at once, each with its
 * line and column. No secret is read here: references stay references until `resolve-secret.ts`.
 */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { WaybillError } from '../core/failures.ts';
import type { PipelineSpec } from '../core/pipeline.ts';
import type { Config, StoreConfig } from './config.ts';
import { checkOverlaps } from './check-overlaps.ts';
import { checkSchema } from './check-schema.ts';
import { checkSigning } from './check-signing.ts';
import { describeFound, findSchema } from './describe-field.ts';
import { toAbsoluteRef } from './file-reference.ts';
import { printPath, Problems, type ConfigPath } from './problems.ts';
import type { RawConfig } from './schema.ts';
import { SourceMap } from './source-map.ts';
import { toApi } from './to-api.ts';
import { toGateway } from './to-gateway.ts';
import { toPipeline } from './to-pipeline.ts';
import { toRetentionMs } from './to-retention.ts';
import { toStore } from './to-store.ts';
import { toWorker } from './to-worker.ts';

/** @throws invalid_config */
export async function loadConfig(path: string): Promise<Config> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    throw new WaybillError('invalid_config', `${path}: the configuration cannot be read`, { code }, { cause });
  }
  return parseConfig(text, { file: path });
}

/**
 * `file` is named in messages, and relative paths start at its directory. `env` stands in for the process's environment, of which
 * only TEMPORAL_ADDRESS is looked at.
 * @throws invalid_config, its message with one line for each problem
 */
export function parseConfig(text: string, options: { file: string; env?: NodeJS.ProcessEnv }): Config {
  const source = new SourceMap(text);
  const syntax = source
    .syntaxErrors()
    .map(({ line, column, message }) => `${options.file}:${line}:${column}: ${message}`);
  if (syntax.length > 0) throw toError(options.file, syntax);

  const problems = new Problems();
  const read = source.toValue();
  if (read === null)
    throw toError(options.file, [`${options.file}:1:1: the aliases of this file multiply; expected fewer`]);
  const raw = read.value;
  checkSchema(raw, problems);
  const config = isObject(raw) ? toConfig(raw as RawConfig, options, problems) : null;
  if (config !== null && problems.list.length === 0) return config;
  const located = problems.list.map((problem) => ({
    ...problem,
    ...source.find(problem.path, problem.at),
    found: problem.at === 'key' ? '' : describeFound(findValue(raw, problem.path), findSchema(problem.path)),
  }));
  located.sort((a, b) => a.line - b.line || a.column - b.column);
  throw toError(
    options.file,
    located.map(({ line, column, path, message, found }) => {
      const where = printPath(path);
      return `${options.file}:${line}:${column}: ${where === '' ? '' : `${where}: `}${message}${found}`;
    }),
  );
}

function findValue(raw: unknown, path: ConfigPath): unknown {
  return path.reduce<unknown>(
    (node, segment) => (node as Record<string | number, unknown> | null | undefined)?.[segment],
    raw,
  );
}

function toError(file: string, lines: readonly string[]): WaybillError {
  if (lines.length === 1) return new WaybillError('invalid_config', lines[0] ?? '');
  return new WaybillError('invalid_config', `${file} is wrong in ${lines.length} places:\n${lines.join('\n')}`);
}

/** Converts the parts whose shape is right, so that what is wrong in one part does not hide what is wrong in another. */
function toConfig(
  raw: RawConfig,
  { file, env = process.env }: { file: string; env?: NodeJS.ProcessEnv },
  problems: Problems,
): Config {
  const directory = dirname(resolve(file));
  const isSound = (...path: string[]): boolean => !problems.touches(path);
  const entries = <Entry>(section: 'stores' | 'pipelines', map: Readonly<Record<string, Entry>> | undefined) =>
    isObject(map) ? Object.entries(map as Record<string, Entry>).filter(([name]) => isSound(section, name)) : [];

  const storeNames = new Set(isObject(raw.stores) ? Object.keys(raw.stores) : []);
  const stores = new Map<string, StoreConfig>();
  for (const [name, entry] of entries('stores', raw.stores)) {
    const store = toStore(name, entry, directory, problems);
    if (store !== null) stores.set(name, store);
  }
  const pipelines = new Map<string, PipelineSpec>();
  const pipelineRetentionMs = new Map<string, number>();
  for (const [name, entry] of entries('pipelines', raw.pipelines)) {
    pipelines.set(name, toPipeline(name, entry, storeNames, problems));
    if (entry.retention !== undefined) {
      pipelineRetentionMs.set(name, toRetentionMs(['pipelines', name, 'retention'], entry.retention, problems));
    }
  }
  checkOverlaps(pipelines, stores, () => false, problems); // no pipeline mirrors yet
  const whole = isSound('stores') && isSound('pipelines') && isSound('gateway');
  if (whole && isSound('worker')) checkSigning(raw, problems);
  const { gateway, worker, api, database, temporal } = raw;
  return {
    stores,
    pipelines,
    pipelineRetentionMs,
    gateway: gateway && isSound('gateway') ? toGateway(gateway, storeNames, directory, problems) : null,
    worker: worker && whole && isSound('worker') ? toWorker(worker, raw, problems) : null,
    api: api && isSound('api') ? toApi(api, directory, problems) : null,
    database: database && isSound('database') ? toAbsoluteRef(database, directory) : null,
    temporal: {
      address: temporal?.address ?? (env['TEMPORAL_ADDRESS'] || '127.0.0.1:7233'),
      namespace: temporal?.namespace ?? 'default',
      taskQueue: temporal?.task_queue ?? 'waybill',
    },
  };
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
