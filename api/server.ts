/**
 * The REST API. Requests are checked, answers serialised and both documented by one schema each; failures are problems; everything
 * under /v1 is authenticated. It keeps no state: any number of them may run side by side.
 */
import { randomUUID } from 'node:crypto';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import { fastify, LogController } from 'fastify';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { KiB } from '../core/limits.ts';
import { authenticate } from './authenticate.ts';
import type { ApiDeps } from './deps.ts';
import { handleErrors } from './handle-errors.ts';
import { documentApi, serveDocument } from './openapi.ts';
import { explainPageRoute } from './routes/explain-page.ts';
import { healthRoutes } from './routes/health.ts';
import { listPipelinesRoute } from './routes/list-pipelines.ts';
import { readManifestRoute } from './routes/read-manifest.ts';
import { readRunsRoutes } from './routes/read-runs.ts';
import { startRunRoute } from './routes/start-run.ts';
import { steerRunRoutes } from './routes/steer-run.ts';
import { compileValidator } from './validate.ts';

/** The largest request is a few hundred bytes. */
const BODY_BYTES_MAX = 64 * KiB;
/** For a request to arrive whole. */
const REQUEST_LIMIT_MS = 30_000;
/** From one address: far above what a dashboard asks, far below what guessing tokens needs. */
const REQUESTS_PER_MINUTE = 1200;
const VERSION = '0.1.0';

export function createApi(deps: ApiDeps): FastifyInstance {
  const loggerInstance: FastifyBaseLogger = deps.logger;
  const app: FastifyInstance = fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_BYTES_MAX,
    // A caller that drips its body, with or without a token, holds a connection no longer.
    requestTimeout: REQUEST_LIMIT_MS,
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
  });
  app.setValidatorCompiler(compileValidator);
  acceptEmptyJson(app);
  handleErrors(app);
  observe(app, deps);
  app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        baseUri: ["'self'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
        imgSrc: ["'self'", 'data:'],
        objectSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'", "'unsafe-inline'"],
      },
    },
    // TLS ends before this process where there is any; whoever ends it sets this.
    strictTransportSecurity: false,
  });
  app.register(rateLimit, { max: REQUESTS_PER_MINUTE, timeWindow: '1 minute' });
  documentApi(app, VERSION, deps.tokens.length > 0);
  app.register(async (open) => {
    healthRoutes(open, deps);
    explainPageRoute(open);
    serveDocument(open);
  });
  app.register(
    async (guarded) => {
      authenticate(guarded, deps.tokens);
      startRunRoute(guarded, deps);
      readRunsRoutes(guarded, deps);
      steerRunRoutes(guarded, deps);
      readManifestRoute(guarded, deps);
      listPipelinesRoute(guarded, deps);
    },
    { prefix: '/v1' },
  );
  return app;
}

/** Clients send a content type with requests that have no body; JSON is the only type. */
function acceptEmptyJson(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else void parse(request, body, done);
  });
}

/** One line a request in the log, without its query or headers, and its time in the metrics. */
function observe(app: FastifyInstance, { metrics }: ApiDeps): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    const { method } = request;
    const { statusCode: status, elapsedTime } = reply;
    metrics.requestSeconds.observe({ method, route, status }, elapsedTime / 1000);
    request.log.info(
      { method, route, status, ms: Math.round(elapsedTime), principal: request.principal?.name },
      'request',
    );
  });
}
