/** The API as a running process part: tokens, server, reconciler, and the order in which they end. */
import type { FastifyInstance } from 'fastify';
import { isLoopbackHost, printListenAddress } from '../config/listen-address.ts';
import type { ApiConfig } from '../config/config.ts';
import { WaybillError } from '../core/failures.ts';
import type { ApiDeps } from './deps.ts';
import { loadTokens } from './load-tokens.ts';
import { createApiMetrics } from './metrics.ts';
import { Reconciler } from './reconciler.ts';
import { createApi } from './server.ts';

export interface RunningApi {
  /** `http://HOST:PORT`, with the port that was given. */
  readonly url: string;
  /** Takes no more requests, lets those in flight end, and stops the reconciler. The ledger and the control stay open. */
  close(): Promise<void>;
}

export interface StartApiOptions extends Pick<ApiDeps, 'ledger' | 'control' | 'config' | 'logger'> {
  readonly api: ApiConfig;
}

/**
 * Loads the tokens, listens, and starts what was accepted and never started.
 * @throws invalid_config without tokens beyond loopback, or for a token whose hash cannot be had; port_in_use
 */
export async function startApi({ api, ledger, control, config, logger }: StartApiOptions): Promise<RunningApi> {
  const { listen } = api;
  if (api.tokens.length === 0) {
    if (!isLoopbackHost(listen.host)) {
      throw new WaybillError(
        'invalid_config',
        'the API listens beyond loopback only with tokens; make one with: waybill token create NAME',
        {
          listen: printListenAddress(listen),
        },
      );
    }
    logger.warn('no tokens are configured: everyone on this machine is an operator');
  }
  const metrics = createApiMetrics();
  const app = createApi({ ledger, control, config, logger, metrics, tokens: await loadTokens(api.tokens) });
  try {
    await app.listen({ host: listen.host, port: listen.port });
  } catch (cause) {
    await app.close();
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
    throw new WaybillError(
      'port_in_use',
      'the address of the API is taken',
      { listen: printListenAddress(listen) },
      { cause },
    );
  }
  const reconciler = new Reconciler({ ledger, control, logger, metrics });
  reconciler.start();
  const bound = app.server.address();
  const port = bound !== null && typeof bound === 'object' ? bound.port : listen.port;
  return {
    url: `http://${printListenAddress({ host: listen.host, port })}`,
    async close() {
      await Promise.all([drain(app), reconciler.stop()]);
    },
  };
}

/**
 * Closes what is idle at once, and each connection in use as soon as its answer is out: left alone, it would be kept alive for the
 * next request, and the process with it, for the 72 s that the server allows.
 */
async function drain(app: FastifyInstance): Promise<void> {
  const timer = setInterval(() => app.server.closeIdleConnections(), 50);
  try {
    await app.close();
  } finally {
    clearInterval(timer);
  }
}
