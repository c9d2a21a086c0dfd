/**
 * Who is asking. With tokens: a bearer token, whose role is viewer (reads) or operator (everything). Without tokens the API listens
 * on loopback only and everyone on this machine is an operator; then a web page in a browser on this machine must not be able to
 * ask: a Host that is no loopback name is refused (DNS rebinding), and so is an Origin that is not the API itself (cross-site POST).
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isLoopbackHost } from '../config/listen-address.ts';
import { WaybillError } from '../core/failures.ts';
import { findPrincipal } from './load-tokens.ts';
import type { Principal, TokenHash } from './load-tokens.ts';

declare module 'fastify' {
  interface FastifyRequest {
    principal: Principal | null;
  }
}

const ANONYMOUS: Principal = { name: 'anonymous', role: 'operator' };

/** Guards every route that is registered in this scope after it. */
export function authenticate(app: FastifyInstance, tokens: readonly TokenHash[]): void {
  app.decorateRequest('principal', null);
  // After the routes' own onRequest hooks, so that guesses count against the rate limit; before the body is read.
  app.addHook('preParsing', async (request) => {
    request.principal = tokens.length === 0 ? guardLoopback(request) : readBearer(request, tokens);
    const reads = request.method === 'GET' || request.method === 'HEAD';
    if (!reads && request.principal.role !== 'operator') {
      throw new WaybillError('forbidden', 'this needs a token with the role operator', {
        role: request.principal.role,
      });
    }
  });
}

/** The name under which mutations are audited and Idempotency-Keys are kept. */
export function principalOf(request: FastifyRequest): string {
  if (request.principal === null) throw new Error('the route is not guarded');
  return request.principal.name;
}

function readBearer(request: FastifyRequest, tokens: readonly TokenHash[]): Principal {
  const token = /^Bearer +([\x21-\x7e]{1,512}) *$/i.exec(request.headers.authorization ?? '')?.[1];
  const principal = token === undefined ? null : findPrincipal(tokens, token);
  if (principal === null) {
    throw new WaybillError(
      'unauthenticated',
      token === undefined ? 'a bearer token is required' : 'the bearer token is not known',
    );
  }
  return principal;
}

function guardLoopback(request: FastifyRequest): Principal {
  const host = request.headers.host ?? '';
  if (!isLoopbackHost(host.replace(/:[0-9]+$/, ''))) {
    throw new WaybillError('forbidden', 'without tokens the API answers only to a loopback name in Host');
  }
  const { origin } = request.headers;
  if (origin !== undefined && origin !== `http://${host}`) {
    throw new WaybillError('forbidden', 'without tokens the API answers no page of another origin');
  }
  return ANONYMOUS;
}
