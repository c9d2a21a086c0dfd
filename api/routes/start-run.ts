/** `POST /v1/runs`. */
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import type { Static } from 'typebox';
import { principalOf } from '../authenticate.ts';
import type { ApiDeps } from '../deps.ts';
import { printRun } from '../print-run.ts';
import { problems } from '../problem-schema.ts';
import { startRun } from '../start-run.ts';
import { InvalidRequest } from '../validate.ts';

const body = Type.Object(
  {
    pipeline: Type.String({ description: 'the name of a pipeline' }),
    run_id: Type.Optional(
      Type.String({
        description: '1-128 of A-Z a-z 0-9 . _ : + -; names the logical run. Without it one is made, once.',
      }),
    ),
    plan: Type.Optional(Type.Boolean({ description: 'true: report what a run would do, and write nothing (false)' })),
    again: Type.Optional(Type.Boolean({ description: 'true: a new attempt even where the run is done (false)' })),
  },
  {
    additionalProperties: false,
    examples: [{ pipeline: 'orders-nightly' }, { pipeline: 'orders-nightly', run_id: '2026-07-29', plan: true }],
  },
);

const headers = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({ description: 'up to 255 printable characters; the same key and body find the same run for ever' }),
  ),
});

const location = { type: 'string', description: 'the path of the run' };
const answer = (description: string) => ({
  description,
  headers: { location },
  content: { 'application/json': { schema: { $ref: 'StartedRun#' } } },
});

export function startRunRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Body: Static<typeof body>; Headers: Static<typeof headers> }>(
    '/runs',
    {
      schema: {
        operationId: 'startRun',
        summary: 'Start a run, or find the one that is there',
        description:
          'Answers 202 once the run is committed; it is found by a GET at once and started even if Temporal is down at this ' +
          'moment. Answers 200 when the run is live, or done: then its target is compared with its manifest again.',
        tags: ['runs'],
        headers,
        body,
        response: {
          202: answer('a new attempt was accepted'),
          200: answer('the run was there already'),
          ...problems(404, 409),
        },
      },
    },
    async (request, reply) => {
      const { pipeline, run_id: runId, plan = false, again = false } = request.body;
      const { kind, run, verifying } = await startRun(
        { ledger: deps.ledger, control: deps.control, pipelines: deps.config.pipelines },
        {
          principal: principalOf(request),
          idempotencyKey: readKey(request.headers['idempotency-key']),
          pipeline,
          runId: runId ?? null,
          mode: plan ? 'plan' : 'run',
          again,
        },
        deps.logger.child({ request: request.id }),
      );
      deps.metrics.runsRequested.inc({ pipeline: run.pipeline, outcome: kind });
      const already = kind === 'accepted' ? 'no' : kind;
      return reply
        .code(kind === 'accepted' ? 202 : 200)
        .header('location', `/v1/runs/${run.id}`)
        .send({ ...printRun(run), already, verifying });
    },
  );
}

function readKey(key: string | undefined): string | null {
  if (key === undefined) return null;
  if (!/^[\x20-\x7e]{1,255}$/.test(key)) {
    throw new InvalidRequest([
      { field: 'header.Idempotency-Key', message: 'must be 1 to 255 printable ASCII characters' },
    ]);
  }
  return key;
}
