/** The one place where whatever a handler threw becomes an answer. */
import type { FastifyError, FastifyInstance } from 'fastify';
import { isWaybillError, WaybillError } from '../core/failures.ts';
import { sendProblem, toHttpProblem, toProblem } from './problem.ts';
import { InvalidRequest } from './validate.ts';

export function handleErrors(app: FastifyInstance): void {
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    if (error instanceof InvalidRequest) return sendProblem(reply, toProblem(error.failure, error.fields));
    if (isWaybillError(error)) {
      const problem = toProblem(error);
      if (problem.status >= 500) request.log.error({ err: error }, 'the request failed');
      return sendProblem(reply, problem, error);
    }
    const status = error.statusCode ?? 500;
    if (status === 400) return sendProblem(reply, toProblem(new WaybillError('invalid_request', error.message)));
    if (status < 500) return sendProblem(reply, toHttpProblem(status, error.message));
    request.log.error({ err: error }, 'the request failed');
    return sendProblem(reply, toProblem(new WaybillError('unclassified', 'an unexpected failure')));
  });
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      reply,
      toHttpProblem(404, `there is no ${request.method} ${request.url.split('?')[0] ?? ''}; see /docs`),
    ),
  );
}
