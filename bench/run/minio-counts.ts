/** What MinIO says that it was asked for; it answers at once, but counts a request when it has ended. */
import type { Counts } from './stores.ts';

const SAMPLE =
  /^(minio_s3_requests_total|minio_s3_traffic_received_bytes|minio_s3_traffic_sent_bytes)\{([^}]*)\} ([0-9.e+]+)$/;

/** Its names of operations are ours in other letters. Bytes are all that went over the wire, heads and listings too. */
export async function readMinioCounts(port: number): Promise<Counts> {
  const response = await fetch(`http://127.0.0.1:${String(port)}/minio/v2/metrics/cluster`);
  const requests: Record<string, number> = {};
  let bytesIn = 0;
  let bytesOut = 0;
  for (const line of (await response.text()).split('\n')) {
    const [, name = '', labels = '', value = '0'] = SAMPLE.exec(line) ?? [];
    if (name === 'minio_s3_requests_total') {
      const api = /api="([^"]*)"/.exec(labels)?.[1] ?? 'unknown';
      requests[api] = (requests[api] ?? 0) + Number(value);
    } else if (name === 'minio_s3_traffic_received_bytes') bytesIn += Number(value);
    else if (name !== '') bytesOut += Number(value);
  }
  return { requests, bytesIn, bytesOut };
}
