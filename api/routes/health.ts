/** `/healthz`, `/readyz` and `/metrics`: for machines, without a token; they say nothing of runs. */
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import type { ApiDeps } from '../deps.ts';

const LIMIT_MS = 2500;
const check = Type.Unsafe<'ok' | 'unavailable'>({ type: 'string', enum: ['ok', 'unavailable'] });
const ready = Type.Object(
  { status: check, postgres: check, temporal: check },
  { description: 'ready when both dependencies answer' },
);

export function healthRoutes(app: FastifyInstance, { ledger, control, metrics }: ApiDeps): void {
  const config = { rateLimit: false };
  app.get(
    '/healthz',
    {
      config,
      schema: {
        operationId: 'getHealth',
        summary: 'Whether the process is alive',
        tags: ['health'],
        security: [],
        response: { 200: Type.Object({ status: Type.String() }, { description: 'it is' }) },
      },
    },
    async () => ({ status: 'ok' }),
  );
  app.get(
    '/readyz',
    {
      config,
      schema: {
        operationId: 'getReadiness',
        summary: 'Whether Postgres and Temporal answer',
        tags: ['health'],
        security: [],
        response: { 200: ready, 503: ready },
      },
    },
    async (_request, reply) => {
      const [postgres, temporal] = await Promise.all([answers(ledger.ping()), answers(control.ping())]);
      const status = postgres === 'ok' && temporal === 'ok' ? 'ok' : 'unavailable';
      return reply.code(status === 'ok' ? 200 : 503).send({ status, postgres, temporal });
    },
  );
  app.get(
    '/metrics',
    {
      config,
      schema: {
        operationId: 'getMetrics',
        summary: "Metrics in Prometheus's text format",
        tags: ['health'],
        security: [],
        response: { 200: { description: 'metrics', content: { 'text/plain': { schema: { type: 'string' } } } } },
      },
    },
    async (_request, reply) => reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
}

async function answers(ping: Promise<void>): Promise<'ok' | 'unavailable'> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<'unavailable'>((resolve) => {
    timer = setTimeout(resolve, LIMIT_MS, 'unavailable');
  });
  try {
    return await Promise.race([ping.then(() => 'ok' as const).catch(() => 'unavailable' as const), limit]);
  } finally {
    clearTimeout(timer);
  }
}
