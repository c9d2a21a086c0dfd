/** What MinIO says that it was asked for. Its second version of metrics is ten seconds old when it is asked often; the third is not. */
import type { Counts } from './stores.ts';

const SAMPLE = /^minio_api_requests_(total|traffic_received_bytes|traffic_sent_bytes)\{([^}]*)\} ([0-9.e+]+)$/;

/** Bytes are all that went over the wire, heads and listings too. */
export async function readMinioCounts(port: number): Promise<Counts> {
  const response = await fetch(`http://127.0.0.1:${String(port)}/minio/metrics/v3/api/requests`);
  const requests: Record<string, number> = {};
  let bytesIn = 0;
  let bytesOut = 0;
  for (const line of (await response.text()).split('\n')) {
    const [, name = '', labels = '', value = '0'] = SAMPLE.exec(line) ?? [];
    if (name === 'total') {
      const operation = /name="([^"]*)"/.exec(labels)?.[1] ?? 'unknown';
      requests[operation] = (requests[operation] ?? 0) + Number(value);
    } else if (name === 'traffic_received_bytes') bytesIn += Number(value);
    else if (name === 'traffic_sent_bytes') bytesOut += Number(value);
  }
  return { requests, bytesIn, bytesOut };
}
