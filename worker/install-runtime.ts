/**
 * The SDK's runtime of this process: its log goes through ours, so that a line of its has the same shape, and its metrics are kept
 * for our page. The SDK can only serve them itself, so it does, on a loopback port that nobody but `readMetrics` is told of.
 */
import net from 'node:net';
import { once } from 'node:events';
import { DefaultLogger, Runtime, type RuntimeOptions } from '@temporalio/worker';
import type { Logger } from 'pino';

export interface InstalledRuntime {
  /** Temporal's metrics as Prometheus reads them; '' when they cannot be had. */
  readonly readMetrics: () => Promise<string>;
}

const TRIES = 3;
const READ_MS_MAX = 5000;

/** Once a process. */
export async function installRuntime(logger: Logger): Promise<InstalledRuntime> {
  const child = logger.child({ component: 'temporal' });
  const port = await install({
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => {
      const method = level === 'ERROR' ? 'error' : level === 'WARN' ? 'warn' : level === 'INFO' ? 'info' : 'debug';
      child[method](meta ?? {}, message);
    }),
    shutdownSignals: [],
  });
  return {
    async readMetrics() {
      try {
        const signal = AbortSignal.timeout(READ_MS_MAX);
        const response = await fetch(`http://127.0.0.1:${port}/metrics`, { signal });
        return response.ok ? await response.text() : '';
      } catch (error) {
        child.warn({ cause: String(error) }, 'its metrics cannot be read');
        return '';
      }
    },
  };
}

/** Returns the port of the metrics. A free port may be taken before the SDK gets to it. */
async function install(options: RuntimeOptions): Promise<number> {
  for (let tries = 1; ; tries++) {
    const port = await findFreePort();
    try {
      Runtime.install({
        ...options,
        telemetryOptions: {
          // What its native part says goes the same way, instead of to the terminal in a shape of its own.
          logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} },
          metrics: { prometheus: { bindAddress: `127.0.0.1:${port}` } },
        },
      });
      return port;
    } catch (error) {
      if (tries === TRIES) throw error;
    }
  }
}

async function findFreePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
