/**
 * The address that a request came from. X-Forwarded-For is believed only when the socket's peer is a trusted proxy, and then only
 * as far as trusted proxies wrote it: read from its end, the first address that is not such a proxy is the caller. What was put
 * in front of it by whoever called is not looked at.
 */
import { isIP } from 'node:net';
import type { BlockList } from 'node:net';
import { containsAddress, toPlainAddress } from '../../config/network.ts';

/** '' when nobody can say, which is in no network. */
export function findCallerAddress(
  peer: string | undefined,
  forwardedFor: string | readonly string[] | undefined,
  trustedProxies: BlockList,
): string {
  let address = toPlainAddress(peer ?? '');
  if (forwardedFor === undefined || !containsAddress(trustedProxies, address)) return address;
  const hops = (typeof forwardedFor === 'string' ? forwardedFor : forwardedFor.join(',')).split(',');
  for (const hop of hops.reverse()) {
    address = toPlainAddress(hop.trim().replace(/^\[(.*)\]$/, '$1'));
    if (isIP(address) === 0) return '';
    if (!containsAddress(trustedProxies, address)) return address;
  }
  return address;
}
