/** `GET /v1/runs` and what hangs below one run. Pages are keyset pages: a cursor stays right while runs come in. */
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import type { Static } from 'typebox';
import type { OutcomeCode } from '../../core/outcomes.ts';
import { isClosed, type RunState } from '../../core/run-state.ts';
import type { ApiDeps } from '../deps.ts';
import { loadRunByPath, runPath } from '../load-run-by-path.ts';
import { pageQuery, pageSchema } from '../page-schema.ts';
import { printAttempt, printRun } from '../print-run.ts';
import { problems } from '../problem-schema.ts';
import { readProgress } from '../read-progress.ts';
import { attemptSchema, outcomeName, runState } from '../run-schema.ts';

const runsQuery = Type.Object(
  {
    ...pageQuery,
    pipeline: Type.Optional(
      Type.String({ pattern: '^[a-z0-9][a-z0-9_-]{0,62}$', description: 'runs of this pipeline only' }),
    ),
    state: Type.Optional(runState),
  },
  { additionalProperties: false },
);
const objectsQuery = Type.Object(
  { ...pageQuery, outcome: Type.Optional(outcomeName) },
  { additionalProperties: false },
);
const objectSchema = Type.Object({ key: Type.String(), outcome: outcomeName, detail: Type.String() });

export function readRunsRoutes(app: FastifyInstance, { ledger, control }: ApiDeps): void {
  app.get<{ Querystring: Static<typeof runsQuery> }>(
    '/runs',
    {
      schema: {
        operationId: 'listRuns',
        summary: 'Runs with their latest attempts, newest first',
        tags: ['runs'],
        querystring: runsQuery,
        response: { 200: pageSchema('runs', Type.Unsafe({ $ref: 'Run#' })), ...problems() },
      },
    },
    async ({ query: { limit = 50, pipeline, state, cursor } }) => {
      const page = await ledger.listRuns({
        limit,
        ...(pipeline === undefined ? {} : { pipeline }),
        ...(state === undefined ? {} : { state: state as RunState }),
        ...(cursor === undefined ? {} : { cursor }),
      });
      return { items: page.items.map((run) => printRun(run)), next_cursor: page.nextCursor };
    },
  );

  app.get<{ Params: Static<typeof runPath> }>(
    '/runs/:id',
    {
      schema: {
        operationId: 'getRun',
        summary: 'One run with its latest attempt, and how far it is while it is live',
        tags: ['runs'],
        params: runPath,
        response: {
          200: { description: 'the run', content: { 'application/json': { schema: { $ref: 'Run#' } } } },
          ...problems(404),
        },
      },
    },
    async ({ params }) => {
      const run = await loadRunByPath(ledger, params.id);
      const progress = await readProgress(ledger, control, run);
      if (progress?.source !== 'workflow' || !isClosed(progress.progress.state)) return printRun(run, progress);
      // It ended while its workflow was asked: what it ended with stands in the row alone.
      const ended = await loadRunByPath(ledger, params.id);
      return printRun(ended, isClosed(ended.attempt.state) ? null : progress);
    },
  );

  app.get<{ Params: Static<typeof runPath>; Querystring: Static<typeof objectsQuery> }>(
    '/runs/:id/objects',
    {
      schema: {
        operationId: 'listRunObjects',
        summary: 'What became of the objects of the latest attempt, by key',
        tags: ['runs'],
        params: runPath,
        querystring: objectsQuery,
        response: { 200: pageSchema('objects', objectSchema), ...problems(404) },
      },
    },
    async ({ params, query: { limit = 50, outcome, cursor } }) => {
      const { id } = await loadRunByPath(ledger, params.id);
      const page = await ledger.listObjects({
        id,
        limit,
        ...(outcome === undefined ? {} : { outcome: outcome as OutcomeCode | 'copied' }),
        ...(cursor === undefined ? {} : { cursor }),
      });
      return { items: page.items, next_cursor: page.nextCursor };
    },
  );

  app.get<{ Params: Static<typeof runPath> }>(
    '/runs/:id/attempts',
    {
      schema: {
        operationId: 'listRunAttempts',
        summary: 'Every attempt of a run, oldest first',
        tags: ['runs'],
        params: runPath,
        response: {
          200: Type.Object({ items: Type.Array(attemptSchema) }, { description: 'the attempts' }),
          ...problems(404),
        },
      },
    },
    async ({ params }) => {
      const { id } = await loadRunByPath(ledger, params.id);
      const attempts = [...(await ledger.listAttempts(id))].sort((a, b) => a.number - b.number);
      return { items: attempts.map(printAttempt) };
    },
  );
}
