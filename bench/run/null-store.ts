/**
 * A store that costs next to nothing, as a process: its buckets hold objects of bytes that are made up (`null-store/bytes.ts`), what is
 * put is counted and dropped, and still every answer is right: ETags, listings, multipart uploads, conditions. It verifies no signature.
 * It says its port to its parent, and takes orders from it over the same channel.
 */
import type { AddressInfo } from 'node:net';
import net from 'node:net';
import { createArrayKeys, createNumberedKeys, type Keys } from './null-store/keys.ts';
import { buildKeys, type Distribution } from './null-store/distributions.ts';
import { Connection } from './null-store/connection.ts';
import { createNullStore } from './null-store/store.ts';

export interface SourceOrder {
  readonly do: 'source';
  readonly bucket: string;
  readonly count: number;
  readonly sizeBytes: number;
  /** Default: numbered keys, a thousand in a directory. */
  readonly distribution?: Distribution;
  /** Before each numbered key: a target that holds the copies of a source already. */
  readonly prefix?: string;
}

export type Order =
  | SourceOrder
  /** Forgets what was put into the bucket. */
  | { readonly do: 'empty'; readonly bucket: string }
  | { readonly do: 'latency'; readonly ms: number; readonly listMs: number }
  | { readonly do: 'counts' };

const store = createNullStore();
const server = net.createServer({ noDelay: true }, (socket) => new Connection(socket, store));
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit());
// A Ctrl-C at the terminal reaches the parent as well, which stops its children in order.
process.on('SIGINT', () => undefined);
process.on('message', (order: Order) => process.send?.(carryOut(order)));

function carryOut(order: Order): unknown {
  switch (order.do) {
    case 'source':
      store.setSource(order.bucket, toKeys(order), order.sizeBytes);
      return null;
    case 'empty':
      store.empty(order.bucket);
      return null;
    case 'latency':
      store.latency.ms = order.ms;
      store.latency.listMs = order.listMs;
      return null;
    case 'counts':
      return store.counts();
  }
}

const toKeys = ({ count, distribution, prefix }: SourceOrder): Keys =>
  distribution === undefined ? createNumberedKeys(count, prefix) : createArrayKeys(buildKeys(distribution, count));
