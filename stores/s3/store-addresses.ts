/**
 * Which addresses a name may stand for. A name is resolved once for each connection, and the connection goes to the very address that
 * was looked at: a name server that answers otherwise the second time changes nothing.
 *
 * - Link-local addresses and the metadata services of clouds are nobody's store: they hand out credentials to whoever asks.
 * - Private addresses are where many stores stand, and an operator named the endpoint. POST /upload, whose callers name URLs, goes
 *   there only where the endpoint is written as an address or as localhost, or `allow_private_addresses` says so.
 */
import { lookup as systemLookup } from 'node:dns';
import type { LookupAddress } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { WaybillError } from '../../core/failures.ts';

/** `configured`: all but link-local and metadata. `public`: private ones neither. */
export type AddressRule = 'configured' | 'public';

export type ResolveAll = (
  hostname: string,
  options: { readonly all: true; readonly family?: number; readonly hints?: number },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** BlockList looks into IPv4-mapped IPv6 addresses by itself; those of NAT64 are named beside. */
const FORBIDDEN = new BlockList();
FORBIDDEN.addSubnet('169.254.0.0', 16, 'ipv4');
FORBIDDEN.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6');
FORBIDDEN.addSubnet('fe80::', 10, 'ipv6');
// Metadata services that are not link-local: AWS over IPv6, Alibaba, Azure's wire server, Oracle's second.
FORBIDDEN.addAddress('fd00:ec2::254', 'ipv6');
FORBIDDEN.addAddress('100.100.100.200', 'ipv4');
FORBIDDEN.addAddress('168.63.129.16', 'ipv4');
FORBIDDEN.addAddress('192.0.0.192', 'ipv4');
FORBIDDEN.addSubnet('224.0.0.0', 4, 'ipv4');
FORBIDDEN.addAddress('255.255.255.255', 'ipv4');
FORBIDDEN.addSubnet('ff00::', 8, 'ipv6');

const PRIVATE = new BlockList();
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
] as const) {
  PRIVATE.addSubnet(net, prefix, 'ipv4');
}
PRIVATE.addSubnet('::', 127, 'ipv6');
PRIVATE.addSubnet('fc00::', 7, 'ipv6');
PRIVATE.addSubnet('64:ff9b:1::', 48, 'ipv6');

/** Whether an address, as text, may be connected to. */
export function isAllowedAddress(address: string, rule: AddressRule): boolean {
  const plain = address.split('%', 1)[0] ?? '';
  const family = isIP(plain) === 6 ? 'ipv6' : 'ipv4';
  if (FORBIDDEN.check(plain, family)) return false;
  return rule === 'configured' || !PRIVATE.check(plain, family);
}

/** For a host that is an address already. @throws access_denied */
export function checkLiteral(host: string, rule: AddressRule, store: string): void {
  // Whether a private address may be named was decided with the configuration, where it stands.
  if (isIP(host) !== 0 && !isAllowedAddress(host, rule)) throw forbidden(store, host);
}

/** For net.connect. Gives every address of the name, or fails with access_denied when one of them may not be reached. */
export function createCheckedLookup(
  store: string,
  rule: AddressRule,
  resolveAll: ResolveAll = systemLookup,
): LookupFunction {
  return (hostname, options, callback) => {
    const family = options.family === 'IPv4' ? 4 : options.family === 'IPv6' ? 6 : options.family;
    const asked = {
      all: true,
      ...(family !== undefined && { family }),
      ...(options.hints && { hints: options.hints }),
    } as const;
    resolveAll(hostname, asked, (error, addresses) => {
      const bad = error === null ? addresses.find(({ address }) => !isAllowedAddress(address, rule)) : undefined;
      const [first] = addresses ?? [];
      if (error !== null) callback(error, '');
      else if (bad !== undefined) callback(forbidden(store, hostname), '');
      else if (first === undefined) callback(Object.assign(new Error('no address'), { code: 'ENOTFOUND' }), '');
      else if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function forbidden(store: string, host: string): WaybillError {
  return new WaybillError('access_denied', 'the store stands at an address that may not be reached', {
    s3Code: 'AccessDenied',
    status: 403,
    store,
    host,
  });
}
