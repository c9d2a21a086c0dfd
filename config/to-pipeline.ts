/** One entry of `pipelines:` with its defaults applied. */
import { isWaybillError } from '../core/failures.ts';
import { compileGlob } from '../core/glob.ts';
import { RUN_CONCURRENCY_DEFAULT } from '../core/limits.ts';
import type { Filters, Location, PipelineSpec, Schedule } from '../core/pipeline.ts';
import { isWellFormed } from '../core/utf8-order.ts';
import { checkBucketName } from './bucket-name.ts';
import { checkCron, checkTimezone } from './check-cron.ts';
import { parseDurationMs } from './parse-duration.ts';
import { parseSizeBytes } from './parse-size.ts';
import type { ConfigPath, Problems } from './problems.ts';
import type { RawPipeline } from './schema.ts';

const DAY_MS = 86_400_000;

/** The spec as the file asks for it; what is wrong with it goes to `problems`. */
export function toPipeline(
  name: string,
  raw: RawPipeline,
  stores: ReadonlySet<string>,
  problems: Problems,
): PipelineSpec {
  const path = ['pipelines', name];
  const { encryption } = raw.target;
  if (encryption?.kms_key_id !== undefined && encryption.algorithm !== 'aws:kms') {
    problems.add([...path, 'target', 'encryption', 'kms_key_id'], 'expected algorithm aws:kms beside a KMS key');
  }
  return {
    name,
    source: toLocation([...path, 'source'], raw.source, stores, problems),
    target: {
      ...toLocation([...path, 'target'], raw.target, stores, problems),
      encryption:
        encryption === undefined ? null : { algorithm: encryption.algorithm, kmsKeyId: encryption.kms_key_id ?? null },
    },
    filters: toFilters(path, raw, problems),
    overwrite: raw.overwrite ?? 'refuse',
    ...(raw.proof === 'crc' && { proof: 'crc' as const }),
    tags: raw.tags ?? true,
    listTarget: !(raw.unsafe_skip_target_listing ?? false),
    concurrency: raw.concurrency ?? RUN_CONCURRENCY_DEFAULT,
    schedule: raw.schedule === undefined ? null : toSchedule([...path, 'schedule'], raw.schedule, problems),
  };
}

function toLocation(
  path: ConfigPath,
  raw: RawPipeline['source'],
  stores: ReadonlySet<string>,
  problems: Problems,
): Location {
  if (!stores.has(raw.store)) {
    problems.add(
      [...path, 'store'],
      `expected the name of a store of this file: ${[...stores].join(', ') || 'it has none'}`,
    );
  }
  const expected = checkBucketName(raw.bucket);
  if (expected !== null) problems.add([...path, 'bucket'], expected);
  const prefix = raw.prefix ?? '';
  if (!isWellFormed(prefix) || prefix.includes('\0')) {
    problems.add([...path, 'prefix'], 'expected a prefix without NUL and without half of a surrogate pair');
  }
  return { store: raw.store, bucket: raw.bucket, prefix };
}

function toFilters(path: ConfigPath, raw: RawPipeline, problems: Problems): Filters {
  for (const field of ['include', 'exclude'] as const) {
    for (const [index, pattern] of (raw[field] ?? []).entries()) checkGlob([...path, field, index], pattern, problems);
  }
  const filters: Filters = {
    include: raw.include ?? [],
    exclude: raw.exclude ?? [],
    minSizeBytes: raw.min_size === undefined ? null : parseSizeBytes(raw.min_size),
    maxSizeBytes: raw.max_size === undefined ? null : parseSizeBytes(raw.max_size),
    minAgeMs: raw.min_age === undefined ? null : parseDurationMs(raw.min_age),
    maxAgeMs: raw.max_age === undefined ? null : parseDurationMs(raw.max_age),
  };
  if ((filters.minSizeBytes ?? 0) > (filters.maxSizeBytes ?? Infinity)) {
    problems.add([...path, 'max_size'], 'expected max_size to be at least min_size');
  }
  if ((filters.minAgeMs ?? 0) > (filters.maxAgeMs ?? Infinity)) {
    problems.add([...path, 'max_age'], 'expected max_age to be at least min_age');
  }
  return filters;
}

function checkGlob(path: ConfigPath, pattern: string, problems: Problems): void {
  try {
    compileGlob(pattern);
  } catch (error) {
    if (!isWaybillError(error)) throw error;
    problems.add(path, `expected a glob: ${error.message}`);
  }
}

function toSchedule(path: ConfigPath, raw: NonNullable<RawPipeline['schedule']>, problems: Problems): Schedule {
  const timezone = raw.timezone ?? 'UTC';
  const cronExpected = checkCron(raw.cron);
  if (cronExpected !== null) problems.add([...path, 'cron'], cronExpected);
  const timezoneExpected = checkTimezone(timezone);
  if (timezoneExpected !== null) problems.add([...path, 'timezone'], timezoneExpected);
  return {
    cron: raw.cron.trim(),
    timezone,
    catchupWindowMs: raw.catchup_window === undefined ? DAY_MS : parseDurationMs(raw.catchup_window),
    jitterMs: raw.jitter === undefined ? 0 : parseDurationMs(raw.jitter),
    paused: raw.paused ?? false,
  };
}
