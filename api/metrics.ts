/** What the API counts, for Prometheus. Labels come from our own route table, never from what a caller sent. */
import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';

export interface ApiMetrics {
  readonly registry: Registry;
  /** Seconds, by method, route and status. */
  readonly requestSeconds: Histogram<'method' | 'route' | 'status'>;
  /** Runs asked for, by what came of it: accepted, live, done. */
  readonly runsRequested: Counter<'pipeline' | 'outcome'>;
  /** Attempts that were accepted but not started, and that the reconciler started. */
  readonly reconciled: Counter;
  /** Attempts found dead and settled. */
  readonly settled: Counter;
}

export function createApiMetrics(): ApiMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    requestSeconds: new Histogram({
      name: 'waybill_api_request_seconds',
      help: 'Time to answer a request.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
      registers: [registry],
    }),
    runsRequested: new Counter({
      name: 'waybill_api_runs_requested_total',
      help: 'Runs asked for, by what came of it.',
      labelNames: ['pipeline', 'outcome'],
      registers: [registry],
    }),
    reconciled: new Counter({
      name: 'waybill_api_runs_reconciled_total',
      help: 'Accepted attempts that the reconciler started.',
      registers: [registry],
    }),
    settled: new Counter({
      name: 'waybill_api_attempts_settled_total',
      help: 'Attempts that were settled because their workflow had ended without them.',
      registers: [registry],
    }),
  };
}
