/** A run_id for a caller who gave none: the time of acceptance, then chance, so that ids sort by time and never meet. */
import { randomBytes } from 'node:crypto';
import { parseRunId } from '../core/ids.ts';
import type { RunId } from '../core/ids.ts';

/** For example `2026-07-29T02:15:00.123Z-9f86d081884c`. Made once, at acceptance; retries of the request find it in the ledger. */
export function createRunId(now: Date): RunId {
  return parseRunId(`${now.toISOString()}-${randomBytes(6).toString('hex')}`);
}
