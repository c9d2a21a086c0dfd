/** The words that name things. Branded, so that two strings that mean different things cannot be confused. */
import { WaybillError } from './failures.ts';

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** The logical run: the nominal time of a schedule, or the caller's word. */
export type RunId = Branded<'RunId'>;
export type PipelineName = Branded<'PipelineName'>;
/** Lower-case hex of a SHA-256, 64 characters. */
export type Sha256Hex = Branded<'Sha256Hex'>;
/** What a store calls the state of an object, without its quotes. It is not a hash, even where it looks like one. */
export type ETag = Branded<'ETag'>;

const RUN_ID = /^[A-Za-z0-9._:+-]{1,128}$/;
const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const SHA256_HEX = /^[0-9a-f]{64}$/;

/** @throws invalid_run_id */
export function parseRunId(value: unknown): RunId {
  if (typeof value !== 'string' || !RUN_ID.test(value)) {
    throw new WaybillError(
      'invalid_run_id',
      `a run_id is 1-128 of A-Z a-z 0-9 . _ : + -, got ${JSON.stringify(value)}`,
    );
  }
  return value as RunId;
}

export function isSha256Hex(value: unknown): value is Sha256Hex {
  return typeof value === 'string' && SHA256_HEX.test(value);
}

/** Names of pipelines and stores: they become parts of workflow ids, metric labels and URLs. */
export function isName(value: unknown): value is PipelineName {
  return typeof value === 'string' && NAME.test(value);
}

/** One run has one workflow id, so starting it twice finds it. */
export const runWorkflowId = (pipeline: string, runId: string): string => `run:${pipeline}:${runId}`;
export const planWorkflowId = (pipeline: string, runId: string): string => `plan:${pipeline}:${runId}`;
export const verifyWorkflowId = (pipeline: string, runId: string): string => `verify:${pipeline}:${runId}`;
export const scheduleId = (pipeline: string): string => `schedule:${pipeline}`;
