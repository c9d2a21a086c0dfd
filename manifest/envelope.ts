/** What stands before and after the objects of a manifest: `{"objects":[…],"run_id":…,"schema":"etl/manifest/v1"}`. */
import { parseRunId } from '../core/ids.ts';

export const MANIFEST_SCHEMA = 'etl/manifest/v1';

export const ENVELOPE_HEAD = '{"objects":[';

/** @throws invalid_run_id */
export function printEnvelopeTail(runId: string): string {
  // A run_id has no character that JSON escapes.
  return `],"run_id":"${parseRunId(runId)}","schema":"${MANIFEST_SCHEMA}"}`;
}
