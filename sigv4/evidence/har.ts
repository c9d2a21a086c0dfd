/** A HAR file, or one of its entries, as browsers and proxies save them. Of several entries the first that is signed is read. */
import { toEvidence, type Evidence } from './evidence.ts';
import { toRequest } from './http-dump.ts';

interface HarRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly postData?: { readonly text?: string };
  readonly bodySize?: number;
}

const encoder = new TextEncoder();

export function readHar(text: string): Evidence | null {
  if (!/^\s*[[{]/.test(text)) return null;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null;
  }
  const requests = findRequests(parsed);
  const signed = requests.find(isSigned) ?? requests[0];
  if (signed === undefined) return null;
  // HTTP/2's pseudo-headers are not headers; :authority is its Host.
  const authority = signed.headers.find(({ name }) => name === ':authority')?.value;
  const headers = signed.headers
    .filter(({ name }) => !name.startsWith(':'))
    .map(({ name, value }): readonly [string, string] => [name, value]);
  const hasHost = headers.some(([name]) => name.toLowerCase() === 'host');
  const host: readonly (readonly [string, string])[] = !hasHost && authority !== undefined ? [['host', authority]] : [];
  const body = signed.postData?.text;
  return toEvidence('har', 'HAR entry', {
    request: toRequest(signed.method.toUpperCase(), signed.url, [...host, ...headers]),
    body: body === undefined ? (signed.bodySize === 0 ? new Uint8Array(0) : null) : encoder.encode(body),
  });
}

function findRequests(value: unknown): HarRequest[] {
  if (!isRecord(value)) return Array.isArray(value) ? value.flatMap(findRequests) : [];
  const { log, entries, request } = value;
  if (isRecord(log)) return findRequests(log);
  if (Array.isArray(entries)) return entries.flatMap(findRequests);
  const candidate = isRecord(request) ? request : value;
  return isHarRequest(candidate) ? [candidate] : [];
}

function isHarRequest(value: Record<string, unknown>): value is Record<string, unknown> & HarRequest {
  const { method, url, headers } = value;
  return (
    typeof method === 'string' &&
    typeof url === 'string' &&
    Array.isArray(headers) &&
    headers.every((one) => isRecord(one) && typeof one['name'] === 'string' && typeof one['value'] === 'string')
  );
}

const isSigned = ({ url, headers }: HarRequest): boolean =>
  /X-Amz-Signature=/i.test(url) || headers.some(({ name }) => name.toLowerCase() === 'authorization');

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
