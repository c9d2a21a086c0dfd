/** Pause, resume, cancel, and how many batches are in flight. Each is a wish: 202 says that the workflow has it. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import type { Static } from 'typebox';
import { WaybillError } from '../../core/failures.ts';
import { RUN_CONCURRENCY_MAX } from '../../core/limits.ts';
import { isClosed } from '../../core/run-state.ts';
import type { RunRecord } from '../../ledger/ledger.ts';
import { principalOf } from '../authenticate.ts';
import type { ApiDeps } from '../deps.ts';
import { loadRunByPath, runPath } from '../load-run-by-path.ts';
import { printRun } from '../print-run.ts';
import { problems } from '../problem-schema.ts';

type Params = Static<typeof runPath>;

const concurrencyBody = Type.Object(
  {
    concurrency: Type.Integer({ minimum: 1, maximum: RUN_CONCURRENCY_MAX, description: 'batches in flight at once' }),
  },
  { additionalProperties: false, examples: [{ concurrency: 8 }] },
);

const CANCELLED = { type: 'terminated', message: 'cancelled while no workflow carried it out' } as const;

export function steerRunRoutes(app: FastifyInstance, deps: ApiDeps): void {
  const { ledger, control } = deps;

  /** Audited before it is done, so that nothing is done unaudited. */
  const steer = async (
    request: FastifyRequest<{ Params: Params }>,
    reply: FastifyReply,
    action: string,
    detail: Readonly<Record<string, unknown>>,
    act: (run: RunRecord) => Promise<void>,
  ): Promise<FastifyReply> => {
    const run = await loadRunByPath(ledger, request.params.id);
    if (isClosed(run.attempt.state)) {
      throw new WaybillError('invalid_state', 'the run has ended', { run: run.id, state: run.attempt.state });
    }
    await ledger.audit(principalOf(request), `run.${action}`, `${run.pipeline}/${run.runId}`, {
      run: run.id,
      ...detail,
    });
    await act(run);
    return reply.code(202).send(printRun(await ledger.loadRun(run.id)));
  };

  const schema = (operationId: string, summary: string) => ({
    operationId,
    summary,
    tags: ['runs'],
    params: runPath,
    response: {
      202: { description: 'the workflow has been told', content: { 'application/json': { schema: { $ref: 'Run#' } } } },
      ...problems(404, 409),
    },
  });

  app.post<{ Params: Params }>(
    '/runs/:id/pause',
    { schema: schema('pauseRun', 'Begin no more batches; those in flight are finished') },
    (request, reply) => steer(request, reply, 'pause', {}, (run) => control.pause(run)),
  );
  app.post<{ Params: Params }>(
    '/runs/:id/resume',
    { schema: schema('resumeRun', 'Go on with a paused run') },
    (request, reply) => steer(request, reply, 'resume', {}, (run) => control.resume(run)),
  );
  app.post<{ Params: Params }>(
    '/runs/:id/cancel',
    { schema: schema('cancelRun', 'Stop; what was copied stays, multipart uploads are aborted') },
    (request, reply) =>
      steer(request, reply, 'cancel', {}, async (run) => {
        if ((await control.look(run)) === 'running') await control.cancel(run);
        else await ledger.settleDeadAttempt(run.attempt.attemptId, CANCELLED, 'cancelled');
      }),
  );
  app.post<{ Params: Params; Body: Static<typeof concurrencyBody> }>(
    '/runs/:id/concurrency',
    {
      schema: {
        ...schema('setRunConcurrency', 'Change how many batches are in flight at once'),
        body: concurrencyBody,
      },
    },
    (request, reply) => {
      const { concurrency } = request.body;
      return steer(request, reply, 'concurrency', { concurrency }, (run) => control.setConcurrency(run, concurrency));
    },
  );
}
