/** The log of one execution: every line names what it is about, and a failure is a line with the ids that its store gave it. */
import { isWaybillError } from '../core/failures.ts';
import type { Log } from './runtime.ts';

/** What an activity's input says of that. */
export interface Subject {
  readonly pipeline?: string;
  /** The run's UUID in the ledger. */
  readonly runUuid?: string;
  readonly fence?: { readonly attemptId: string };
  /** The batch. */
  readonly ordinal?: number;
  /** The group of parts of a large object. */
  readonly partBatch?: number;
}

export function createSubjectLog(log: Log, { pipeline, runUuid, fence, ordinal, partBatch }: Subject): Log {
  const ids = {
    ...(pipeline === undefined ? {} : { pipeline }),
    ...(runUuid === undefined ? {} : { run: runUuid }),
    ...(fence === undefined ? {} : { attempt: fence.attemptId }),
    ...(ordinal === undefined ? {} : { batch: ordinal }),
    ...(partBatch === undefined ? {} : { parts: partBatch }),
  };
  return {
    info: (fields, message) => log.info({ ...ids, ...fields }, message),
    warn: (fields, message) => log.warn({ ...ids, ...fields }, message),
  };
}

/** A failure of the table is logged with its details, a store's request id among them, and passes on. */
export async function logFailure<T>(log: Log, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isWaybillError(error)) log.warn({ type: error.type, ...error.details }, error.message);
    throw error;
  }
}
