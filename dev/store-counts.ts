/** What a store says that it was asked for, read from its metrics: the stores' own count, not the worker's. */
export interface StoreCounts {
  /** Requests by operation, whatever their status. */
  readonly requests: Readonly<Record<string, number>>;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

const SAMPLE = /^(waybill_s3_requests_total|waybill_s3_object_bytes_total)\{([^}]*)\} ([0-9.e+]+)$/;

export async function readStoreCounts(adminPort: number): Promise<StoreCounts> {
  const response = await fetch(`http://127.0.0.1:${adminPort}/metrics`);
  const requests: Record<string, number> = {};
  let bytesIn = 0;
  let bytesOut = 0;
  for (const line of (await response.text()).split('\n')) {
    const match = SAMPLE.exec(line);
    if (match === null) continue;
    const [, name = '', labelText = '', value = '0'] = match;
    const labels = Object.fromEntries(
      [...labelText.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', text = '']) => [key, text]),
    );
    const operation = labels['operation'] ?? 'unknown';
    if (name === 'waybill_s3_requests_total') requests[operation] = (requests[operation] ?? 0) + Number(value);
    else if (operation === 'GetObject') bytesOut += Number(value);
    else bytesIn += Number(value);
  }
  return { requests, bytesIn, bytesOut };
}

/** What was asked for between two readings; operations without a request are left out. */
export function subtractCounts(after: StoreCounts, before: StoreCounts): StoreCounts {
  const requests = Object.fromEntries(
    Object.entries(after.requests)
      .map(([operation, count]) => [operation, count - (before.requests[operation] ?? 0)] as const)
      .filter(([, count]) => count !== 0),
  );
  return { requests, bytesIn: after.bytesIn - before.bytesIn, bytesOut: after.bytesOut - before.bytesOut };
}
