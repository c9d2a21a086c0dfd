/** The five shapes of keys that parallel listing is measured on. The same keys for the same count. */
export const DISTRIBUTIONS = ['uniform-hex', 'date-tree', 'counter', 'skewed', 'uuids'] as const;
export type Distribution = (typeof DISTRIBUTIONS)[number];

/** Ascending, without repeats. */
export function buildKeys(distribution: Distribution, count: number): string[] {
  const random = createRandom(1);
  const keys = new Set<string>();
  for (let ordinal = 0; keys.size < count; ordinal++) keys.add(buildKey(distribution, ordinal, count, random));
  return [...keys].sort();
}

function buildKey(distribution: Distribution, ordinal: number, count: number, random: () => number): string {
  switch (distribution) {
    case 'uniform-hex':
      return toHex(random, 16);
    case 'date-tree': {
      const day = Math.floor((ordinal / count) * 1000);
      const at = new Date(Date.UTC(2024, 0, 1 + day)).toISOString();
      return `events/y=${at.slice(0, 4)}/m=${at.slice(5, 7)}/d=${at.slice(8, 10)}/part-${toHex(random, 10)}.parquet`;
    }
    case 'counter':
      return `exports/nightly/of/the/orders/service/object-${String(ordinal).padStart(12, '0')}`;
    case 'skewed':
      return random() < 0.68 ? `tenants/big/2026/07/${toHex(random, 12)}` : toHex(random, 16);
    case 'uuids':
      return `tenant-${random() < 0.5 ? 'a' : 'b'}/${toUuid(random)}`;
  }
}

function toHex(random: () => number, digits: number): string {
  let text = '';
  while (text.length < digits)
    text += Math.floor(random() * 0x10000)
      .toString(16)
      .padStart(4, '0');
  return text.slice(0, digits);
}

function toUuid(random: () => number): string {
  const hex = toHex(random, 32);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}

/** A linear congruential generator over 32 bits: repeatable, and even enough for keys. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
