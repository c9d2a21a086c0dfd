/**
 * The run control over Temporal. A run has one workflow id for all of its attempts, so the memo of a workflow names the attempt
 * that it carries out: only by that can an attempt whose workflow was terminated be told from one that was never started.
 */
import { Client, Connection, WorkflowNotFoundError } from '@temporalio/client';
import type { WorkflowHandle } from '@temporalio/client';
import { WaybillError } from '../core/failures.ts';
import { QUERIES, SIGNALS, WORKFLOW_TYPES } from '../core/wire-names.ts';
import type { Config } from '../config/config.ts';
import type { RunRecord } from '../ledger/ledger.ts';
import type { Progress } from '../workflows/types.ts';
import type { Presence, RunControl } from './run-control.ts';
import { toTemporalError } from './temporal-failure.ts';
import { toRunInput, toVerifyInput, toVerifyWorkflowId, toWorkflowId } from './workflow-input.ts';

/** One request to Temporal, its retries included. Callers wait for it with a person at the other end. */
const DEADLINE_MS = 5000;
/** A query needs a worker: when none answers at once, the rows have to do. */
const QUERY_DEADLINE_MS = 700;
const PING_DEADLINE_MS = 2000;

const CLOSED: ReadonlySet<string> = new Set(['COMPLETED', 'FAILED', 'CANCELLED', 'TERMINATED', 'TIMED_OUT']);
const ONE_AT_A_TIME = { workflowIdReusePolicy: 'ALLOW_DUPLICATE', workflowIdConflictPolicy: 'USE_EXISTING' } as const;

export class TemporalRunControl implements RunControl {
  readonly #connection: Connection;
  readonly #client: Client;
  readonly #taskQueue: string;
  readonly #heartbeatTimeoutMs: number;
  readonly #pending = new Set<Promise<unknown>>();

  /** Connects at the first request, so that the API starts while Temporal is down. */
  constructor(options: { temporal: Config['temporal']; heartbeatTimeoutMs: number }) {
    const { address, namespace, taskQueue } = options.temporal;
    this.#connection = Connection.lazy({ address, connectTimeout: PING_DEADLINE_MS });
    this.#client = new Client({ connection: this.#connection, namespace });
    this.#taskQueue = taskQueue;
    this.#heartbeatTimeoutMs = options.heartbeatTimeoutMs;
  }

  async start(run: RunRecord): Promise<void> {
    await this.#call(DEADLINE_MS, () =>
      this.#client.workflow.start(WORKFLOW_TYPES.run, {
        ...ONE_AT_A_TIME,
        workflowId: toWorkflowId(run),
        taskQueue: this.#taskQueue,
        args: [toRunInput(run, this.#heartbeatTimeoutMs)],
        memo: { attempt: run.attempt.attemptId },
        staticSummary: `${run.mode === 'plan' ? 'plan of ' : ''}${run.pipeline} ${run.runId}`,
      }),
    );
  }

  async verify(run: RunRecord): Promise<void> {
    await this.#call(DEADLINE_MS, () =>
      this.#client.workflow.start(WORKFLOW_TYPES.verify, {
        // One that runs already may have looked at the target before this was asked. It only reads, so it can be cut short.
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        workflowIdConflictPolicy: 'TERMINATE_EXISTING',
        workflowId: toVerifyWorkflowId(run),
        taskQueue: this.#taskQueue,
        args: [toVerifyInput(run, this.#heartbeatTimeoutMs)],
        staticSummary: `verify ${run.pipeline} ${run.runId}`,
      }),
    );
  }

  pause(run: RunRecord): Promise<void> {
    return this.#steer(run, (handle) => handle.signal(SIGNALS.pause));
  }

  resume(run: RunRecord): Promise<void> {
    return this.#steer(run, (handle) => handle.signal(SIGNALS.resume));
  }

  cancel(run: RunRecord): Promise<void> {
    return this.#steer(run, (handle) => handle.cancel());
  }

  setConcurrency(run: RunRecord, batches: number): Promise<void> {
    return this.#steer(run, (handle) => handle.signal(SIGNALS.setConcurrency, batches));
  }

  async progress(run: RunRecord): Promise<Progress | null> {
    try {
      return await this.#call(QUERY_DEADLINE_MS, () => this.#handle(run).query<Progress>(QUERIES.progress));
    } catch {
      return null; // the rows have to do
    }
  }

  async look(run: RunRecord): Promise<Presence> {
    try {
      const found = await this.#call(DEADLINE_MS, () => this.#handle(run).describe());
      if (!CLOSED.has(found.status.name)) return 'running';
      // One without a memo was started by hand or by an earlier version: always a first attempt.
      const attempt = found.memo?.['attempt'] ?? (run.attempt.number === 1 ? run.attempt.attemptId : null);
      return attempt === run.attempt.attemptId ? 'ended' : 'absent';
    } catch (error) {
      if (isNotFound(error)) return 'absent';
      throw error;
    }
  }

  async isAlive(run: RunRecord): Promise<boolean> {
    return (await this.look(run)) === 'running';
  }

  async ping(): Promise<void> {
    const { namespace } = this.#client.options;
    await this.#call(PING_DEADLINE_MS, () => this.#connection.workflowService.describeNamespace({ namespace }));
  }

  /** Waits for what was given up on: the client would call into a closed connection. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#pending);
    await this.#connection.close();
  }

  #handle(run: RunRecord): WorkflowHandle {
    return this.#client.workflow.getHandle(toWorkflowId(run));
  }

  async #steer(run: RunRecord, send: (handle: WorkflowHandle) => Promise<unknown>): Promise<void> {
    try {
      await this.#call(DEADLINE_MS, () => send(this.#handle(run)));
    } catch (error) {
      if (!isNotFound(error)) throw error;
      throw new WaybillError('invalid_state', 'no workflow carries this run out', { run: run.id }, { cause: error });
    }
  }

  #track(answer: Promise<unknown>): void {
    this.#pending.add(answer);
    const forget = (): void => void this.#pending.delete(answer);
    answer.then(forget, forget);
  }

  /** The client's own deadline starts only once it is connected, so the time is kept here as well. */
  async #call<T>(deadlineMs: number, request: () => Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer in ${deadlineMs} ms`)), deadlineMs);
    });
    try {
      const answer = this.#connection.withDeadline(Date.now() + deadlineMs, request);
      this.#track(answer);
      return await Promise.race([answer, limit]);
    } catch (error) {
      throw toTemporalError(error);
    } finally {
      clearTimeout(timer);
    }
  }
}

const isNotFound = (error: unknown): boolean => (error as Error).cause instanceof WorkflowNotFoundError;
