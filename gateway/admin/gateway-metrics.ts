/** The gateway's numbers for Prometheus: those of any S3 endpoint, refusals by S3 code, and what its limits are about. */
import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { RequestRecord } from '../listener/exchange.ts';
import { createS3Metrics, observeListener } from './metrics.ts';
import type { ObservedListener } from './metrics.ts';
import type { SignedBatch } from '../sign/sign.ts';
import { isS3Code } from '../answer/s3-codes.ts';

export interface GatewayMetrics {
  readonly registry: Registry;
  count(record: RequestRecord): void;
  /** A batch of POST /sign; as a request it is counted by `count`. */
  readonly countSigned: (batch: SignedBatch) => void;
  /** Once. */
  observe(listener: ObservedListener & { readonly heldBytes: () => number }): void;
}

export function createGatewayMetrics(): GatewayMetrics {
  const s3 = createS3Metrics();
  const refusals = new Counter({
    name: 'waybill_gateway_refusals_total',
    help: 'Requests that were refused, here or by the provider, by S3 code.',
    labelNames: ['code'],
    registers: [s3.registry],
  });
  const signed = new Counter({
    name: 'waybill_gateway_signed_total',
    help: 'Requests that were signed for workers to send themselves, by operation.',
    labelNames: ['operation'],
    registers: [s3.registry],
  });
  const batches = new Counter({
    name: 'waybill_gateway_sign_batches_total',
    help: 'Batches of requests to be signed that were answered.',
    registers: [s3.registry],
  });
  return {
    registry: s3.registry,
    countSigned({ operations, refusedCodes }) {
      batches.inc();
      for (const [operation, count] of operations) signed.inc({ operation }, count);
      for (const code of refusedCodes) refusals.inc({ code: isS3Code(code) ? code : 'other' });
    },
    count(record) {
      s3.count(record);
      // A provider may make up codes, and each would be a series of its own.
      if (record.code !== '') refusals.inc({ code: isS3Code(record.code) ? record.code : 'other' });
    },
    observe(listener) {
      observeListener(s3.registry, listener);
      new Gauge({
        name: 'waybill_gateway_held_bytes',
        help: 'Bytes of bodies that are held whole right now.',
        registers: [s3.registry],
        collect() {
          this.set(listener.heldBytes());
        },
      });
    },
  };
}
