/**
 * What was asked of an S3 endpoint, for Prometheus. Object bytes are those of answers to GetObject that succeeded and of bodies of
 * PutObject and UploadPart that were accepted: the same counting as core/traffic.ts, so that a run and its stores can be compared.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { RequestRecord } from '../listener/exchange.ts';
import type { ListenerStats } from '../listener/listener.ts';

export interface S3Metrics {
  readonly registry: Registry;
  readonly count: (record: RequestRecord) => void;
}

export type Direction = 'in' | 'out';

/** Seconds: from a small object in memory to a large part over a slow link. */
const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export function createS3Metrics(registry: Registry = new Registry()): S3Metrics {
  const requests = new Counter({
    name: 'waybill_s3_requests_total',
    help: 'S3 requests by operation and HTTP status.',
    labelNames: ['operation', 'status'],
    registers: [registry],
  });
  const bytes = new Counter({
    name: 'waybill_s3_object_bytes_total',
    help: 'Object bytes: out with GetObject, in with PutObject and UploadPart; both with a copy between two stores.',
    labelNames: ['operation', 'direction'],
    registers: [registry],
  });
  const durations = new Histogram({
    name: 'waybill_s3_request_duration_seconds',
    help: 'From the first byte of the request to the last of the answer.',
    labelNames: ['operation'],
    buckets: DURATION_BUCKETS,
    registers: [registry],
  });
  return {
    registry,
    count: (record) => {
      const { operation } = record;
      requests.inc({ operation, status: record.status });
      durations.observe({ operation }, record.durationMs / 1000);
      for (const moved of toObjectBytes(record)) {
        bytes.inc({ operation, direction: moved.direction }, moved.bytes);
      }
    },
  };
}

export interface ObservedListener {
  readonly stats: () => ListenerStats;
}

/** Numbers of one listener, read when they are asked for. */
export function observeListener(registry: Registry, { stats }: ObservedListener): void {
  const registers = [registry];
  const gauge = (name: string, help: string, read: (now: ListenerStats) => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read(stats()));
      },
    });
  };
  gauge('waybill_s3_requests_in_flight', 'S3 requests whose answer is not complete.', ({ inFlight }) => inFlight);
  gauge('waybill_s3_connections', 'Open connections.', ({ open }) => open);
  new Counter({
    name: 'waybill_s3_connections_cut_total',
    help: 'Connections that were closed by a limit: too many of them, or nothing moved.',
    labelNames: ['reason'],
    registers,
    collect() {
      const { dropped, stalled } = stats();
      this.reset();
      this.inc({ reason: 'too_many' }, dropped);
      this.inc({ reason: 'stalled' }, stalled);
    },
  });
}

interface Moved {
  /** From where the callers are; what a copy between two stores reads comes in, and goes out again. */
  readonly direction: Direction;
  readonly bytes: number;
}

/** None when the request moved no object bytes. */
export function toObjectBytes(record: RequestRecord): readonly Moved[] {
  if (record.status < 200 || record.status > 299) return [];
  switch (record.operation) {
    case 'GetObject':
      return [{ direction: 'out', bytes: record.bytesOut }];
    case 'PutObject':
    case 'UploadPart':
      return [{ direction: 'in', bytes: record.bytesIn }];
    case 'CopyObject': {
      const { bytesRead, bytesWritten } = record.relayed ?? {};
      return bytesRead === undefined || bytesWritten === undefined
        ? []
        : [
            { direction: 'in', bytes: bytesRead },
            { direction: 'out', bytes: bytesWritten },
          ];
    }
    default:
      return [];
  }
}
