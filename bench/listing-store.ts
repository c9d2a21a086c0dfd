/**
 * A store that answers ListObjectsV2 alone, for bench/listing-wall.ts: bucket `space-N` is the N-th of the key spaces, every answer comes
 * after LATENCY_MS. A process of its own, so that its CPU is not the lister's. Prints its port.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LIST_PAGE_KEYS } from '../core/limits.ts';
import { countUpTo, createKeySpaces, type KeySpace } from './listing-keys.ts';

const count = Number(process.argv[2]);
const spaces = createKeySpaces(count);
const encodedSpaces = createKeySpaces(count, true);
const latencyMs = Number(process.argv[3]);
let requests = 0;

const HEAD =
  '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">';
const CONTENTS = '<Contents><Key>';
const END = '</ListBucketResult>';
/** Of an object, with the longest of these keys. */
const OBJECT_BYTES_MAX = 512;

/** Pages are written as bytes, into memory of answers that have gone: what is measured has the other core, and should have all of it. */
const free: Buffer[] = [];

function printPage(space: KeySpace, from: number, maxKeys: number): { memory: Buffer; bytes: number } {
  const to = Math.min(space.count, from + maxKeys);
  const head = [
    HEAD,
    `<Name>b</Name><Prefix></Prefix><KeyCount>${String(to - from)}</KeyCount><MaxKeys>${String(maxKeys)}</MaxKeys><EncodingType>url</EncodingType>`,
    `<IsTruncated>${String(to < space.count)}</IsTruncated>`,
    to < space.count ? `<NextContinuationToken>${String(to)}</NextContinuationToken>` : '',
  ].join('');
  const memory = free.pop() ?? Buffer.allocUnsafeSlow(OBJECT_BYTES_MAX * (LIST_PAGE_KEYS + 2));
  let at = memory.write(to > from ? head + CONTENTS : head, 'latin1');
  // One ETag, date and size for a page: what differs is the keys, and this process should cost as little as it can.
  const hash = (from * 2654435761) >>> 0;
  const etag = hash.toString(16).padStart(8, '0').repeat(4);
  const second = String(hash % 60).padStart(2, '0');
  const tail = `</Key><LastModified>2026-03-04T05:06:${second}.000Z</LastModified><ETag>&quot;${etag}&quot;</ETag><Size>${String(hash % 1_000_000)}</Size><StorageClass>STANDARD</StorageClass></Contents>`;
  const between = Buffer.from(tail + CONTENTS);
  for (let ordinal = from; ordinal < to; ordinal++) {
    at = space.writeKey(memory, at, ordinal);
    const isLast = ordinal === to - 1;
    at += isLast ? memory.write(tail, at, 'latin1') : between.copy(memory, at);
  }
  return { memory, bytes: at + memory.write(END, at, 'latin1') };
}

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost');
  if (url.pathname === '/requests') {
    // And what it took until then, in seconds of CPU.
    const { user, system } = process.cpuUsage();
    response.end(JSON.stringify({ requests, cpuMs: (user + system) / 1000 }));
    requests = 0;
    return;
  }
  requests += 1;
  const at = performance.now();
  const index = Number(/space-(\d)/.exec(url.pathname)?.[1]);
  const [space, encoded] = [spaces[index], encodedSpaces[index]];
  const query = url.searchParams;
  const token = query.get('continuation-token');
  const startAfter = query.get('start-after');
  if (space === undefined || encoded === undefined) {
    response.writeHead(404).end();
    return;
  }
  const from = token !== null ? Number(token) : startAfter === null ? 0 : countUpTo(space, startAfter);
  const maxKeys = Math.min(LIST_PAGE_KEYS, Number(query.get('max-keys') ?? LIST_PAGE_KEYS));
  const { memory, bytes } = printPage(encoded, from, maxKeys);
  response.once('close', () => free.push(memory));
  // The latency is that of the answer: making it counts towards it.
  setTimeout(
    () => {
      response.writeHead(200, { 'content-type': 'application/xml', 'content-length': bytes });
      response.end(memory.subarray(0, bytes));
    },
    Math.max(0, latencyMs - (performance.now() - at)),
  );
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => console.log(String((server.address() as AddressInfo).port)));
process.once('SIGTERM', () => process.exit());
