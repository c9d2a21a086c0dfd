/** The API over a real ledger, with a control that stands in for Temporal: what it was asked, and what it is told to answer. */
import { createHash } from 'node:crypto';
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import { pino } from 'pino';
import { createApiMetrics } from '../../api/metrics.ts';
import type { TokenHash } from '../../api/load-tokens.ts';
import type { Presence, RunControl } from '../../control/run-control.ts';
import { createApi } from '../../api/server.ts';
import { WaybillError } from '../../core/failures.ts';
import type { PipelineSpec } from '../../core/pipeline.ts';
import type { RunRecord } from '../../ledger/ledger.ts';
import type { Progress } from '../../workflows/types.ts';
import { buildSpec, createLedgerFixture, type LedgerFixture } from './ledger-fixtures.ts';

export class FakeControl implements RunControl {
  /** `start 4`: the verb and the number of the attempt. */
  readonly calls: string[] = [];
  /** By attempt; `start` makes it running. */
  readonly presence = new Map<string, Presence>();
  /** Temporal does not answer. */
  down = false;
  told: Progress | null = null;
  /** The query hangs, as it does when no worker is there. */
  slow = false;

  async start(run: RunRecord): Promise<void> {
    this.#call('start', run);
    this.presence.set(run.attempt.attemptId, 'running');
  }
  async verify(run: RunRecord): Promise<void> {
    this.#call('verify', run);
  }
  async pause(run: RunRecord): Promise<void> {
    this.#call('pause', run);
  }
  async resume(run: RunRecord): Promise<void> {
    this.#call('resume', run);
  }
  async cancel(run: RunRecord): Promise<void> {
    this.#call('cancel', run);
  }
  async setConcurrency(run: RunRecord, batches: number): Promise<void> {
    this.#call(`concurrency ${batches} of`, run);
  }
  async progress(): Promise<Progress | null> {
    return this.slow ? new Promise(() => undefined) : this.told;
  }
  async look(run: RunRecord): Promise<Presence> {
    this.#check();
    return this.presence.get(run.attempt.attemptId) ?? 'absent';
  }
  async isAlive(run: RunRecord): Promise<boolean> {
    return (await this.look(run)) === 'running';
  }
  async ping(): Promise<void> {
    this.#check();
  }
  async close(): Promise<void> {
    this.calls.push('close');
  }

  #call(verb: string, run: RunRecord): void {
    this.#check();
    this.calls.push(`${verb} ${run.pipeline}/${run.runId}#${run.attempt.number}`);
  }

  #check(): void {
    if (this.down) throw new WaybillError('temporal_unavailable', 'Temporal did not do what it was asked');
  }
}

export interface ApiFixture extends LedgerFixture {
  readonly app: FastifyInstance;
  readonly control: FakeControl;
  inject(
    method: 'GET' | 'POST' | 'HEAD',
    url: string,
    more?: Omit<InjectOptions, 'method' | 'url'>,
  ): Promise<LightMyRequestResponse>;
}

export const OPERATOR = 'operator-token-0123456789';
export const VIEWER = 'viewer-token-0123456789';
const toTokenHash = (name: string, role: TokenHash['role'], token: string): TokenHash => ({
  name,
  role,
  sha256: createHash('sha256').update(token).digest(),
});
export const TOKENS = [toTokenHash('ops', 'operator', OPERATOR), toTokenHash('eyes', 'viewer', VIEWER)];

/** Pipelines: those given, else three of which `twin` has the same target as `copy`. */
export async function createApiFixture(
  options: {
    pipelines?: readonly PipelineSpec[];
    retentionMs?: Readonly<Record<string, number>>;
    tokens?: readonly TokenHash[];
  } = {},
): Promise<ApiFixture> {
  const fixture = await createLedgerFixture(4);
  const control = new FakeControl();
  const specs = options.pipelines ?? [buildSpec('copy'), { ...buildSpec('copy'), name: 'twin' }, buildSpec('other')];
  const app = createApi({
    ledger: fixture.ledger,
    control,
    config: {
      pipelines: new Map(specs.map((spec) => [spec.name, spec])),
      pipelineRetentionMs: new Map(Object.entries(options.retentionMs ?? {})),
    },
    tokens: options.tokens ?? [],
    logger: pino({ level: 'silent' }),
    metrics: createApiMetrics(),
  });
  await app.ready();
  return {
    ...fixture,
    app,
    control,
    inject: (method, url, more = {}) => app.inject({ ...more, method, url }),
    async close() {
      await app.close();
      await fixture.close();
    },
  };
}

/** Ends the run's live attempt as the last activity does. */
export async function endRun(
  fixture: LedgerFixture,
  runUuid: string,
  state: 'done' | 'failed' | 'partial',
): Promise<void> {
  const { fence } = await fixture.ledger.beginAttempt(runUuid, `workflow of ${runUuid}`, 0);
  for (const step of ['listing', 'planning', 'copying'] as const) await fixture.ledger.setState(fence, step);
  if (state === 'done') await fixture.ledger.setState(fence, 'finalizing');
  await fixture.ledger.endAttempt(fence, {
    state,
    ...(state === 'done' ? {} : { failure: { type: 'incomplete', message: 'some objects were not copied' } }),
  });
}
