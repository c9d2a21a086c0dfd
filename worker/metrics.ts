/** The worker's page of metrics: Temporal's SDK, our activities and the process, one after the other. */
import http from 'node:http';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ListenAddress } from '../config/config.ts';
import { WaybillError } from '../core/failures.ts';

export interface WorkerMetrics {
  readonly observeActivity: (activity: string, outcome: 'completed' | 'failed', seconds: number) => void;
  readonly watch: (read: { copyLimit: () => number }) => void;
  print(): Promise<string>;
}

/** @param readSdk Temporal's own metrics, as text */
export function createWorkerMetrics(readSdk: () => Promise<string>): WorkerMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const activities = new Histogram({
    name: 'waybill_activity_seconds',
    help: 'Executions of activities by type and outcome',
    labelNames: ['activity', 'outcome'],
    buckets: [0.01, 0.05, 0.25, 1, 5, 30, 120, 600],
    registers: [registry],
  });
  return {
    observeActivity: (activity, outcome, seconds) => activities.observe({ activity, outcome }, seconds),
    watch: ({ copyLimit }) => {
      new Gauge({
        name: 'waybill_copy_limit',
        help: 'Copies in flight that the stores bear, as adapted now',
        registers: [registry],
        collect() {
          this.set(copyLimit());
        },
      });
    },
    async print() {
      const [ours, sdk] = await Promise.all([registry.metrics(), readSdk()]);
      return `${ours}\n${sdk}`;
    },
  };
}

/** `/metrics` and `/healthz`. @throws port_in_use */
export async function serveMetrics(
  listen: ListenAddress,
  metrics: Pick<WorkerMetrics, 'print'>,
): Promise<{ close(): Promise<void> }> {
  const server = http.createServer((request, response) => {
    if (request.url === '/healthz') {
      response.end('ok\n');
    } else if (request.url === '/metrics') {
      void metrics.print().then((text) => response.setHeader('content-type', 'text/plain; version=0.0.4').end(text));
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE';
      reject(
        taken ? new WaybillError('port_in_use', 'the metrics address is in use', { ...listen }, { cause }) : cause,
      );
    });
    server.listen(listen.port, listen.host, resolve);
  });
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
