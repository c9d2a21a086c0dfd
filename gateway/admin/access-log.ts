/**
 * A line for each request, and one more for each that was refused, with the reason: who looks after keys reads the second, who
 * looks after traffic the first. Neither has a query, for a presigned one is a credential, nor anything else that a secret could
 * stand in.
 */
import type { AccessLogMode } from '../../config/config.ts';
import type { RequestRecord } from '../listener/exchange.ts';
import type { Log } from '../listener/listener-options.ts';

/** What somebody asked for that they may not have, or asked wrongly. Not: what is not there, or not as they thought. */
export function isRefusal(record: RequestRecord): boolean {
  if (record.code === '') return false;
  switch (record.status) {
    case 304:
    case 404:
    case 409:
    case 412:
    case 416:
    case 499:
      return false;
    default:
      return record.status < 500 || record.status === 501;
  }
}

/** @param mode asked for each request, for a reload may change it */
export function createAccessLog(logger: Log, mode: () => AccessLogMode): (record: RequestRecord) => void {
  return (record) => {
    const now = mode();
    if (now === 'off') return;
    if (now === 'all') logger.info(toLine(record), 'request');
    if (isRefusal(record)) logger.info({ ...toLine(record), reason: record.reason }, 'refused');
  };
}

function toLine(record: RequestRecord): Readonly<Record<string, string | number>> {
  const line: Record<string, string | number> = {
    requestId: record.requestId,
    operation: record.operation,
    status: record.status,
    code: record.code,
    bytesIn: record.bytesIn,
    bytesOut: record.bytesOut,
    accessKeyId: record.accessKeyId,
    key: record.key,
    store: record.store,
    signedBy: record.signedBy,
    address: record.address,
    bucket: record.bucket,
    object: record.object,
    ms: Math.round(record.durationMs * 100) / 100,
  };
  if (record.run !== '') line['run'] = record.run;
  if (record.relayed !== null) {
    const { key, store, bucket, object } = record.relayed;
    line['copiedFrom'] = `${store}/${bucket}/${object}`;
    line['readBy'] = key;
  }
  if (record.claimed !== '') line['claimed'] = record.claimed;
  return line;
}
