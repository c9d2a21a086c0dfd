/**
 * A store that answers ListObjectsV2 alone, for bench/listing-wall.ts: bucket `space-N` is the N-th of the key spaces, every answer comes
 * after LATENCY_MS. A process of its own, so that its CPU is not the lister's. Prints its port.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { countUpTo, createKeySpaces, type KeySpace } from './listing-keys.ts';

const spaces = createKeySpaces(Number(process.argv[2]));
const latencyMs = Number(process.argv[3]);
let requests = 0;

const HEAD =
  '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">';

const printKey = (key: string): string => (key.includes('=') ? encodeURIComponent(key).replaceAll('%2F', '/') : key);

function printPage(space: KeySpace, from: number, maxKeys: number): string {
  const to = Math.min(space.count, from + maxKeys);
  const parts = [
    HEAD,
    `<Name>b</Name><Prefix></Prefix><KeyCount>${String(to - from)}</KeyCount><MaxKeys>${String(maxKeys)}</MaxKeys><EncodingType>url</EncodingType>`,
    `<IsTruncated>${String(to < space.count)}</IsTruncated>`,
    to < space.count ? `<NextContinuationToken>${String(to)}</NextContinuationToken>` : '',
  ];
  if (to > from) {
    // One ETag, date and size for a page: what differs is the keys, and this process should cost as little as it can.
    const hash = (from * 2654435761) >>> 0;
    const etag = hash.toString(16).padStart(8, '0').repeat(4);
    const second = String(hash % 60).padStart(2, '0');
    const tail = `</Key><LastModified>2026-03-04T05:06:${second}.000Z</LastModified><ETag>&quot;${etag}&quot;</ETag><Size>${String(hash % 1_000_000)}</Size><StorageClass>STANDARD</StorageClass></Contents>`;
    const keys = Array.from({ length: to - from }, (_, index) => printKey(space.keyAt(from + index)));
    parts.push('<Contents><Key>', keys.join(`${tail}<Contents><Key>`), tail);
  }
  parts.push('</ListBucketResult>');
  return parts.join('');
}

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost');
  if (url.pathname === '/requests') {
    response.end(String(requests));
    requests = 0;
    return;
  }
  requests += 1;
  const at = performance.now();
  const space = spaces[Number(/space-(\d)/.exec(url.pathname)?.[1])];
  const query = url.searchParams;
  const token = query.get('continuation-token');
  const startAfter = query.get('start-after');
  if (space === undefined) {
    response.writeHead(404).end();
    return;
  }
  const from = token !== null ? Number(token) : startAfter === null ? 0 : countUpTo(space, startAfter);
  const body = Buffer.from(printPage(space, from, Number(query.get('max-keys') ?? 1000)), 'latin1');
  // The latency is that of the answer: making it counts towards it.
  setTimeout(
    () => {
      response.writeHead(200, { 'content-type': 'application/xml', 'content-length': body.length });
      response.end(body);
    },
    Math.max(0, latencyMs - (performance.now() - at)),
  );
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => console.log(String((server.address() as AddressInfo).port)));
process.once('SIGTERM', () => process.exit());
