/** Opens connections straight to a store: TLS as its settings say, and only to addresses that were looked at (`store-addresses.ts`). */
import { buildConnector } from 'undici';
import { READ_OPTIONS } from '../../http1/socket-reads.ts';
import { checkLiteral, createCheckedLookup } from './store-addresses.ts';
import type { StoreTls } from './store-tls.ts';

export interface CheckedConnectorOptions {
  /** Its name. */
  readonly store: string;
  readonly tls: StoreTls;
  readonly timeoutMs: number;
}

export function createCheckedConnector({ store, tls, timeoutMs }: CheckedConnectorOptions): buildConnector.connector {
  const connect = buildConnector({
    ...tls,
    timeout: timeoutMs,
    onread: READ_OPTIONS,
    lookup: createCheckedLookup(store, 'configured'),
  });
  return (asked, callback) => {
    try {
      checkLiteral(asked.hostname, 'configured', store);
    } catch (error) {
      callback(error as Error, null);
      return;
    }
    connect(asked, callback);
  };
}
