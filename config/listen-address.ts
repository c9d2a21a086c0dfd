/** Addresses to listen on, `HOST:PORT` or `[IPV6]:PORT`; port 0 lets the system choose. */
import { isIP } from 'node:net';
import type { ListenAddress } from './config.ts';

/** Null when the port is not one. */
export function parseListenAddress(text: string): ListenAddress | null {
  const colon = text.lastIndexOf(':');
  const port = Number(text.slice(colon + 1));
  const host = text.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  if (colon < 1 || host === '' || !Number.isInteger(port) || port > 65_535) return null;
  if (text.startsWith('[') && isIP(host) !== 6) return null;
  return { host, port };
}

export function printListenAddress(address: ListenAddress): string {
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
}

/** True for addresses that only this machine can reach. `localhost` counts: it is resolved by the system's own table. */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
}
