/** The OpenAPI 3.1 document at `/openapi.json`, made from the schemas that requests are checked by, and its UI at `/docs`. */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { problemSchema } from './problem-schema.ts';
import { runSchema, startedSchema } from './run-schema.ts';

export function documentApi(app: FastifyInstance, version: string, withTokens: boolean): void {
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Waybill',
        version,
        description:
          'Starts and watches runs. Errors are RFC 9457 problems; their types are the rows of docs/failures.md.',
      },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
      security: withTokens ? [{ bearer: [] }] : [],
      tags: [{ name: 'runs' }, { name: 'manifests' }, { name: 'pipelines' }, { name: 'health' }],
    },
    refResolver: {
      buildLocalReference: (json, _base, _fragment, index) => (json['$id'] as string) ?? `schema-${index}`,
    },
  });
  for (const schema of [runSchema, startedSchema, problemSchema]) app.addSchema(schema);
  app.register(swaggerUi, { routePrefix: '/docs', logLevel: 'warn' });
}

/** After the routes, which it tells of. */
export function serveDocument(app: FastifyInstance): void {
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
}
