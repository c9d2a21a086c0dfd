/**
 * How a connection to a provider is opened: straight, through HTTP CONNECT, or through SOCKS5; then TLS where the endpoint has it. Every
 * way ends in one socket, on which http1/ speaks HTTP as if there were nothing between.
 *
 * - Straight: the name is resolved once and the connection goes to an address that was looked at (`store-addresses.ts`).
 * - Through a proxy the name goes to the proxy. It is never resolved here: what this machine's name servers say of it may be wrong,
 *   or something that nobody should learn.
 * - TLS is checked against the name of the endpoint, whatever stands between, and nothing switches the check off.
 */
import http from 'node:http';
import https from 'node:https';
import { isIP, isIPv6 } from 'node:net';
import type { Socket } from 'node:net';
import { SocksClient } from 'socks';
import { createConnector, limitTime, PROBE_AFTER_MS, type Connected, type Connector } from '../../http1/connector.ts';
import { READ_OPTIONS } from '../../http1/socket-reads.ts';
import type { Egress } from '../../config/config.ts';
import { isWaybillError, WaybillError } from '../../core/failures.ts';
import type { AddressRule, ResolveAll } from '../../stores/s3/store-addresses.ts';
import { checkLiteral, createCheckedLookup } from '../../stores/s3/store-addresses.ts';
import type { StoreTls } from '../../stores/s3/store-tls.ts';

/** An egress whose references were resolved. */
export interface OpenEgress extends Pick<Egress, 'kind' | 'secure' | 'host' | 'port'> {
  readonly credentials: { readonly username: string; readonly password: string } | null;
}

export interface ConnectorOptions {
  readonly store: string;
  readonly egress: OpenEgress | null;
  readonly tls: StoreTls;
  readonly addresses: AddressRule;
  readonly timeoutMs: number;
  readonly resolveAll?: ResolveAll;
}

type Tunnel = (host: string, port: number) => Promise<Socket>;

export function createProviderConnector(options: ConnectorOptions): Connector {
  const { store, egress, addresses, timeoutMs } = options;
  const tls = { timeoutMs, ...options.tls };
  if (egress === null) {
    const direct = createConnector({
      ...tls,
      onread: READ_OPTIONS,
      lookup: createCheckedLookup(store, addresses, options.resolveAll),
    });
    return (to, connected) => {
      if (refuseLiteral(to.hostname, options, connected)) return;
      direct(to, connected);
    };
  }
  const tunnel = egress.kind === 'socks5' ? createSocksTunnel(options, egress) : createConnectTunnel(options, egress);
  const secure = createConnector(tls);
  return (to, connected) => {
    if (refuseLiteral(to.hostname, options, connected)) return;
    const isSecure = to.protocol === 'https:';
    tunnel(to.hostname, Number(to.port)).then(
      (socket) => {
        if (isSecure) {
          secure({ ...to, over: socket }, connected);
        } else {
          connected(null, socket.setNoDelay(true).setKeepAlive(true, PROBE_AFTER_MS));
        }
      },
      (error: unknown) => connected(toProxyFailure(error, store), null),
    );
  };
}

function refuseLiteral(host: string, options: ConnectorOptions, connected: Connected): boolean {
  try {
    checkLiteral(host, options.addresses, options.store);
    return false;
  } catch (error) {
    connected(error as Error, null);
    return true;
  }
}

function createSocksTunnel({ timeoutMs }: ConnectorOptions, { host, port, credentials }: OpenEgress): Tunnel {
  return async (targetHost, targetPort) => {
    const { socket } = await SocksClient.createConnection({
      command: 'connect',
      timeout: timeoutMs,
      proxy: {
        host,
        port,
        type: 5,
        ...(credentials && { userId: credentials.username, password: credentials.password }),
      },
      destination: { host: targetHost, port: targetPort },
    });
    return socket;
  };
}

function createConnectTunnel({ store, tls, timeoutMs }: ConnectorOptions, egress: OpenEgress): Tunnel {
  const { host, port, credentials } = egress;
  const authorization =
    credentials === null
      ? {}
      : {
          'proxy-authorization': `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`,
        };
  return (targetHost, targetPort) =>
    new Promise((resolve, reject) => {
      const authority = `${isIPv6(targetHost) ? `[${targetHost}]` : targetHost}:${targetPort}`;
      const settings = {
        host,
        port,
        method: 'CONNECT',
        path: authority,
        headers: { host: authority, ...authorization },
        agent: false,
      };
      const request = egress.secure
        ? https.request({ ...settings, ...tls, ...(isIP(host) === 0 && { servername: host }) })
        : http.request(settings);
      // Over all of it: a proxy whose answer drips would never be idle, and hold a place for good.
      const cancelLimit = limitTime(timeoutMs, () =>
        request.destroy(Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })),
      );
      request.once('close', cancelLimit);
      const refuse = (status: number | undefined): void =>
        reject(
          new WaybillError('store_unreachable', `the proxy of the store answered ${status ?? 0}`, {
            s3Code: 'ServiceUnavailable',
            store,
            proxyStatus: status ?? 0,
          }),
        );
      request.once('connect', (response, socket, head) => {
        cancelLimit();
        if (response.statusCode === 200) {
          if (head.byteLength > 0) socket.unshift(head);
          resolve(socket);
        } else {
          socket.destroy();
          refuse(response.statusCode);
        }
      });
      // A proxy that answers otherwise than to CONNECT.
      request.once('response', (response) => {
        response.destroy();
        refuse(response.statusCode);
      });
      request.once('error', reject);
      request.end();
    });
}

/** What a proxy says is no failure of the store's; its text is not passed on, since it may quote what it was sent. */
function toProxyFailure(error: unknown, store: string): Error {
  if (isWaybillError(error)) return error;
  const code = (error as { code?: unknown } | null)?.code;
  const name = error instanceof Error ? error.name : 'unknown';
  return new WaybillError('store_unreachable', 'the store cannot be reached through its proxy', {
    s3Code: 'ServiceUnavailable',
    store,
    code: typeof code === 'string' ? code : name,
  });
}
