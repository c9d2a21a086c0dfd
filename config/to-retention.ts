/** For how long what ended attempts leave in the ledger is kept: the worker's word for all, or that of a pipeline for its own. */
import { parseDurationMs } from './parse-duration.ts';
import type { ConfigPath, Problems } from './problems.ts';

const DAY_MS = 86_400_000;
/** Temporal keeps what it knows of an ended run for 72 hours, unless its namespace says otherwise. */
const RETENTION_MS_MIN = 3 * DAY_MS;
/** Postgres reckons back from now, and its calendar has a beginning. */
const RETENTION_MS_MAX = 36_500 * DAY_MS;

export function toRetentionMs(path: ConfigPath, raw: string | number, problems: Problems): number {
  const retentionMs = parseDurationMs(raw);
  if (retentionMs < RETENTION_MS_MIN) problems.add(path, 'expected at least 3d');
  if (retentionMs > RETENTION_MS_MAX) problems.add(path, 'expected at most 36500d');
  return retentionMs;
}
