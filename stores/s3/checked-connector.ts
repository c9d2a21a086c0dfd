/** Opens connections straight to a store: TLS as its settings say, and only to addresses that were looked at (`store-addresses.ts`). */
import { createConnector, type Connector } from '../../http1/connector.ts';
import { READ_OPTIONS } from '../../http1/socket-reads.ts';
import { checkLiteral, createCheckedLookup } from './store-addresses.ts';
import type { StoreTls } from './store-tls.ts';

export interface CheckedConnectorOptions {
  /** Its name. */
  readonly store: string;
  readonly tls: StoreTls;
  readonly timeoutMs: number;
}

export function createCheckedConnector({ store, tls, timeoutMs }: CheckedConnectorOptions): Connector {
  const connect = createConnector({
    ...tls,
    timeoutMs,
    onread: READ_OPTIONS,
    lookup: createCheckedLookup(store, 'configured'),
  });
  return (to, connected) => {
    try {
      checkLiteral(to.hostname, 'configured', store);
    } catch (error) {
      connected(error as Error, null);
      return;
    }
    connect(to, connected);
  };
}
