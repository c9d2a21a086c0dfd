/** Sets of addresses, written as `10.1.2.3`, `10.0.0.0/8`, `::1` or `fd00::/8`. */
import { BlockList, isIP } from 'node:net';

/** True for one address, or an address and the length of its network's prefix. */
export function isNetwork(text: string): boolean {
  return parseNetwork(text) !== null;
}

/** Holds no address where `networks` is empty; words that are no network are left out, so they allow nothing. */
export function toBlockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of networks) {
    const network = parseNetwork(text);
    if (network !== null) list.addSubnet(network.address, network.prefixBits, network.family);
  }
  return list;
}

/** Whether the address is in the list; '' and what is no address never are. IPv4 written as IPv6 counts as IPv4. */
export function containsAddress(list: BlockList, address: string): boolean {
  const plain = toPlainAddress(address);
  const version = isIP(plain);
  return version !== 0 && list.check(plain, version === 4 ? 'ipv4' : 'ipv6');
}

/** Without a zone, and without the IPv6 form that a dual-stack socket gives an IPv4 address. */
export function toPlainAddress(address: string): string {
  const plain = address.replace(/%.*$/, '').toLowerCase();
  return plain.startsWith('::ffff:') && isIP(plain.slice(7)) === 4 ? plain.slice(7) : plain;
}

interface Network {
  readonly address: string;
  readonly prefixBits: number;
  readonly family: 'ipv4' | 'ipv6';
}

function parseNetwork(text: string): Network | null {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const version = isIP(address);
  if (version === 0 || address.includes('%')) return null;
  const widthBits = version === 4 ? 32 : 128;
  const bits = slash < 0 ? String(widthBits) : text.slice(slash + 1);
  if (!/^(0|[1-9]\d{0,2})$/.test(bits) || Number(bits) > widthBits) return null;
  return { address, prefixBits: Number(bits), family: version === 4 ? 'ipv4' : 'ipv6' };
}
