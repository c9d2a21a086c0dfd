/** The section `worker:` with its defaults applied. */
import { availableParallelism } from 'node:os';
import { COPY_MEMORY_BYTES } from '../core/limits.ts';
import type { WorkerConfig } from './config.ts';
import { parseDurationMs } from './parse-duration.ts';
import { parseSizeBytes } from './parse-size.ts';
import type { Problems } from './problems.ts';
import type { RawConfig, RawWorker } from './schema.ts';
import { parseEndpoint } from './to-store.ts';
import { toListen } from './to-gateway.ts';
import { toRetentionMs } from './to-retention.ts';

/** More workers are started on more machines. */
const PROCESSES_MAX = 64;
const RETENTION_MS = 30 * 86_400_000;

export function toWorker(raw: RawWorker, whole: RawConfig, problems: Problems): WorkerConfig {
  const path = ['worker'];
  const endpoint = parseEndpoint(raw.gateway_endpoint);
  if (endpoint === null)
    problems.add([...path, 'gateway_endpoint'], 'expected http[s]://HOST[:PORT], without path, query or user');
  const heartbeatTimeoutMs = raw.heartbeat_timeout === undefined ? 60_000 : parseDurationMs(raw.heartbeat_timeout);
  const requestLimitMs =
    raw.request_limit === undefined ? Math.min(30_000, heartbeatTimeoutMs / 2) : parseDurationMs(raw.request_limit);
  if (heartbeatTimeoutMs < 1000) problems.add([...path, 'heartbeat_timeout'], 'expected at least 1s');
  if (requestLimitMs < 1) problems.add([...path, 'request_limit'], 'expected more than 0');
  if (requestLimitMs > heartbeatTimeoutMs / 2) {
    // A worker that lost its heartbeat stops beginning writes after half the time-out; one begun just before must end in time.
    problems.add([...path, 'request_limit'], 'expected at most half of heartbeat_timeout');
  }
  checkKeys(raw, whole, problems);
  return {
    gatewayEndpoint: endpoint?.origin ?? raw.gateway_endpoint,
    keys: raw.keys ?? {},
    sessions: raw.sessions ?? false,
    processes: raw.processes ?? Math.min(availableParallelism(), PROCESSES_MAX),
    metricsListen: toListen([...path, 'metrics_listen'], raw.metrics_listen, problems),
    heartbeatTimeoutMs,
    requestLimitMs,
    memoryBytes: raw.memory === undefined ? COPY_MEMORY_BYTES : parseSizeBytes(raw.memory),
    sweepIntervalMs: raw.sweep_interval === undefined ? 60_000 : parseDurationMs(raw.sweep_interval),
    retentionMs:
      raw.retention === undefined ? RETENTION_MS : toRetentionMs([...path, 'retention'], raw.retention, problems),
  };
}

/** Each store that a pipeline uses needs a workload key, and the gateway must know it as a key for that store. */
function checkKeys(raw: RawWorker, whole: RawConfig, problems: Problems): void {
  const keys = new Map(Object.entries(raw.keys ?? {}));
  const known = new Map(Object.entries(whole.gateway?.keys ?? {}));
  for (const [store, keyName] of keys) {
    const path = ['worker', 'keys', store];
    const key = known.get(keyName);
    if (!Object.hasOwn(whole.stores, store)) {
      problems.add(path, 'expected the name of a store of this file before the colon', 'key');
    } else if (key === undefined) {
      problems.add(
        path,
        `expected the name of a key of gateway.keys: ${[...known.keys()].join(', ') || 'it has none'}`,
      );
    } else if (key.store !== store) {
      problems.add(path, 'expected a key whose store is the one before the colon');
    } else if (raw.sessions === true && key.session !== true) {
      problems.add(path, 'expected a key with session: true, for worker.sessions has it ask for those of its runs');
    }
  }
  const used = Object.values(whole.pipelines ?? {}).flatMap(({ source, target }) => [source.store, target.store]);
  for (const store of new Set(used)) {
    if (Object.hasOwn(whole.stores, store) && !keys.has(store)) {
      problems.add(['worker', 'keys'], `expected a workload key for the store ${store}, which a pipeline uses`, 'key');
    }
  }
}
