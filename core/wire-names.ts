/**
 * Names that other processes, histories and people's scripts know: never renamed casually. A change of a workflow's type, signal
 * or activity breaks the histories that are running.
 */
export const WORKFLOW_TYPES = { run: 'run', scheduledRun: 'scheduledRun', verify: 'verify' } as const;
export const SIGNALS = { pause: 'pause', resume: 'resume', setConcurrency: 'setConcurrency' } as const;
export const QUERIES = { progress: 'progress' } as const;

/** Registered by `waybill dev` and by docker-compose; a worker checks them at its start, for an unregistered one hangs the run. */
export const SEARCH_ATTRIBUTES = {
  pipeline: 'WaybillPipeline',
  runId: 'WaybillRunId',
  manifestHash: 'WaybillManifestHash',
  state: 'WaybillState',
} as const;

/**
 * Where copies of objects and parts wait, beside a task queue that is for all else: a worker process takes few of them at once, so that
 * they spread over all that there are, and what is short never waits behind them.
 */
export const toCopyQueue = (taskQueue: string): string => `${taskQueue}-copies`;
