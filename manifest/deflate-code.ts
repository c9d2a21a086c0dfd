/**
 * The codes of deflate (RFC 1951, 3.2.2): from how often symbols come to how many bits each has, and from that to the bits. Every symbol
 * that was given a count has a code, so a count may be taken of a sample.
 */

/** A code is 15 bits at most. A tree that is 16 deep has leaves of at least the 18th Fibonacci number in all, which is 2,584. */
const WEIGHT_MAX = 2583;

/** Bits of each symbol's code, none for a count of 0. At least two symbols have a count. */
export function toCodeLengths(counts: Uint32Array): Uint8Array {
  const lengths = new Uint8Array(counts.length);
  const weights = toWeights(counts);
  const leaves = weights.length;
  // Inner nodes come into being in the order of their weight, so each next pair is at the head of one of two queues.
  const nodeWeights = new Uint32Array(2 * leaves);
  const parents = new Uint32Array(2 * leaves);
  for (let at = 0; at < leaves; at++) nodeWeights[at] = (weights[at] ?? 0) >>> SYMBOL_BITS;
  let leaf = 0;
  let inner = leaves;
  let made = leaves;
  const takeLightest = (): number => {
    const isLeaf = leaf < leaves && (inner === made || (nodeWeights[leaf] ?? 0) <= (nodeWeights[inner] ?? 0));
    return isLeaf ? leaf++ : inner++;
  };
  for (; made < 2 * leaves - 1; made++) {
    const [a, b] = [takeLightest(), takeLightest()];
    nodeWeights[made] = (nodeWeights[a] ?? 0) + (nodeWeights[b] ?? 0);
    parents[a] = parents[b] = made;
  }
  const depths = new Uint8Array(2 * leaves);
  for (let node = made - 2; node >= 0; node--) {
    const depth = (depths[parents[node] ?? 0] ?? 0) + 1;
    depths[node] = depth;
    if (node < leaves) lengths[(weights[node] ?? 0) & SYMBOL_MASK] = depth;
  }
  return lengths;
}

const SYMBOL_BITS = 9;
const SYMBOL_MASK = (1 << SYMBOL_BITS) - 1;

/** Of the symbols with a count, ascending, the symbol in the lowest bits; no weight is 0, and all together are at most WEIGHT_MAX. */
function toWeights(counts: Uint32Array): Uint32Array {
  let total = 0;
  let symbols = 0;
  for (const count of counts) {
    total += count;
    if (count > 0) symbols += 1;
  }
  const share = Math.min(1, (WEIGHT_MAX - symbols) / total);
  const weights = new Uint32Array(symbols);
  let at = 0;
  for (let symbol = 0; symbol < counts.length; symbol++) {
    const count = counts[symbol] ?? 0;
    if (count > 0) weights[at++] = ((1 + Math.floor(count * share)) << SYMBOL_BITS) | symbol;
  }
  return weights.sort();
}

/** Where a code's length stands in an entry of `toCodes`; below it are its bits, the first one lowest, as they are written. */
export const LENGTH_SHIFT = 16;

/** Codes of the same length ascend with their symbols, and shorter ones come before them. */
export function toCodes(lengths: Uint8Array): Uint32Array {
  const countOf = new Uint32Array(16);
  for (const length of lengths) if (length > 0) countOf[length] = (countOf[length] ?? 0) + 1;
  const next = new Uint32Array(17);
  for (let length = 1; length <= 15; length++) next[length + 1] = ((next[length] ?? 0) + (countOf[length] ?? 0)) << 1;
  const codes = new Uint32Array(lengths.length);
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const length = lengths[symbol] ?? 0;
    if (length === 0) continue;
    const code = next[length] ?? 0;
    next[length] = code + 1;
    codes[symbol] = reverse(code, length) | (length << LENGTH_SHIFT);
  }
  return codes;
}

function reverse(code: number, length: number): number {
  let reversed = 0;
  for (let bit = 0; bit < length; bit++) reversed |= ((code >>> bit) & 1) << (length - 1 - bit);
  return reversed;
}
