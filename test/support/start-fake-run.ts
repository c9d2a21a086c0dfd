/**
 * The workflows as they are shipped, on a real Temporal, over activities that a test makes up: for what would take a real run terabytes.
 */
import { randomUUID } from 'node:crypto';
import { Client, Connection, type WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import path from 'node:path';
import { findFreePorts } from '../../dev/free-port.ts';
import { startTemporal } from '../../dev/temporal.ts';
import type { Activities } from '../../activities/types.ts';
import { toCopyQueue } from '../../core/wire-names.ts';
import type { Progress, RunInput, RunResult } from '../../workflows/types.ts';

/** A long-running test of theirs, so the SDK logs what is wrong and nothing else. */
Runtime.install({ logger: new DefaultLogger('ERROR') });

export const FENCE = { attemptId: 'attempt', targetId: 'target', epoch: 1 } as unknown as Parameters<
  Activities['list']
>[0]['fence'];
export const MANIFEST = { manifestHash: 'f'.repeat(64), contentHash: 'c'.repeat(64), objects: 9, sizeBytes: 90 };
export const PLAN = {
  batches: 1,
  skipped: 0,
  skippedBytes: 0,
  toCopy: 9,
  toCopyBytes: 90,
  toAdopt: 0,
  toRepair: 0,
  orphans: 0,
  refused: 0,
};
export const ONE_COPIED = { copied: 1, copiedBytes: 10, repaired: 0, adopted: 0, adoptedBytes: 0, failed: 0 };

/** Activities of a run that goes well; a test replaces those that it is about. */
export function createFakeActivities(change: Partial<Activities>, batches = 1): Activities {
  return {
    begin: () =>
      Promise.resolve({ fence: FENCE, attempt: 1, mode: 'run', concurrency: 4, quietMs: 0, route: 'a/ -> b/' }),
    list: () => Promise.resolve({ objects: 9 }),
    buildManifest: () => Promise.resolve(MANIFEST),
    plan: () => Promise.resolve({ planHash: 'a'.repeat(64), counts: { ...PLAN, batches } }),
    endPlan: () => Promise.resolve(),
    copyBatch: () => Promise.resolve({ counts: ONE_COPIED, large: null }),
    copyParts: () => Promise.resolve(),
    completeLarge: () => Promise.resolve({ counts: ONE_COPIED, large: null }),
    finalize: () => Promise.resolve({ state: 'done', failed: 0 }),
    close: () => Promise.resolve(),
    verify: () => Promise.reject(new Error('not asked for')),
    acceptScheduled: () => Promise.resolve(null),
    ...change,
  };
}

export type FakeRun = WorkflowHandleWithFirstExecutionRunId<(input: RunInput) => Promise<RunResult>>;

export interface FakeRuns {
  readonly client: Client;
  /** Of Temporal. */
  readonly address: string;
  /** Runs the workflow while `during` is busy with it, and returns what that returns. */
  run<T>(activities: Activities, during: (handle: FakeRun) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** @param dynamicConfig settings of the server, which is one of its own then */
export async function startFakeRuns(stateDir: string, dynamicConfig?: readonly string[]): Promise<FakeRuns> {
  const shared = dynamicConfig === undefined ? process.env['WAYBILL_TEST_TEMPORAL_ADDRESS'] : undefined;
  const [port = 0, uiPort = 0, metricsPort = 0] = await findFreePorts(3);
  const logFile = path.join(stateDir, 'temporal.log');
  const own = {
    port,
    uiPort,
    metricsPort,
    databaseFile: null,
    logFile,
    fast: true,
    dynamicConfig: dynamicConfig ?? [],
    say: () => undefined,
  };
  const temporal = shared === undefined ? await startTemporal(own) : null;
  const address = temporal?.address ?? shared ?? '';
  const [connection, native, workflowBundle] = await Promise.all([
    Connection.connect({ address }),
    NativeConnection.connect({ address }),
    bundleWorkflowCode({
      workflowsPath: path.join(import.meta.dirname, '../../workflows/index.ts'),
      logger: new DefaultLogger('ERROR'),
    }),
  ]);
  const client = new Client({ connection });
  return {
    client,
    address,
    async run(activities, during) {
      const id = randomUUID();
      const worker = await Worker.create({
        connection: native,
        taskQueue: id,
        workflowBundle,
        activities,
        workflowThreadPoolSize: 1,
      });
      const copies = await Worker.create({ connection: native, taskQueue: toCopyQueue(id), activities });
      const drive = async () => {
        const input: RunInput = { runUuid: id, attemptId: id, pipeline: 'fake', runId: id, heartbeatTimeoutMs: 60_000 };
        const start = {
          workflowId: `run:fake:${id}`,
          taskQueue: id,
          args: [input] as [RunInput],
          memo: { attempt: id },
        };
        const handle = await client.workflow.start<(input: RunInput) => Promise<RunResult>>('run', {
          ...start,
          staticSummary: `fake ${id}`,
        });
        return during(handle);
      };
      return copies.runUntil(() => worker.runUntil(drive));
    },
    async close() {
      await connection.close();
      await native.close();
      await temporal?.child?.stop();
    },
  };
}

export const readProgress = (handle: { query<T>(name: string): Promise<T> }): Promise<Progress> =>
  handle.query<Progress>('progress');
