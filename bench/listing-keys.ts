/**
 * Five kinds of key spaces of any size, each a function from an ordinal to a key that ascends in UTF-8 order, so that a page of four
 * million keys costs nothing to keep: what a store would answer is found by bisection.
 */
import { compareUtf8 } from '../core/utf8-order.ts';

export interface KeySpace {
  readonly name: string;
  readonly count: number;
  keyAt(ordinal: number): string;
}

const pad = (value: number, width: number): string => String(value).padStart(width, '0');

/** A hash of 32 bits, so that what follows a key's ordered part looks like chance. */
function mix(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return (hash ^ (hash >>> 16)) >>> 0;
}
const hex8 = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');

/** The ordinal-th of `count` values spread over 32 bits, each somewhere within its own part, as chance would have it. */
function spread(ordinal: number, count: number): number {
  const part = 2 ** 32 / count;
  return Math.floor(part * ordinal + (part * mix(ordinal)) / 2 ** 32);
}

const toHex = (ordinal: number, count: number): string =>
  hex8(spread(ordinal, count)) + hex8(mix(ordinal + 1)) + hex8(mix(ordinal + 7)) + hex8(mix(ordinal + 13));

const toUuid = (ordinal: number, count: number): string => {
  const hex = toHex(ordinal, count);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
};

const DAYS_IN = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const DAYS = [2021, 2022, 2023, 2024].flatMap((year) =>
  DAYS_IN.flatMap((days, month) =>
    Array.from({ length: days }, (_, day) => `y=${String(year)}/m=${pad(month + 1, 2)}/d=${pad(day + 1, 2)}/`),
  ),
);

export function createKeySpaces(count: number): readonly KeySpace[] {
  const perDay = Math.ceil(count / DAYS.length);
  const crowded = Math.floor(count * 0.68);
  const around = count - crowded;
  // What sorts before `logs/2024/app-7/`, and what after.
  const before = Math.floor((around * 11) / 16);
  const half = Math.floor(count / 2);
  return [
    { name: 'uniform hex', count, keyAt: (ordinal) => `${toHex(ordinal, count)}.parquet` },
    {
      name: 'date tree y=/m=/d=',
      count,
      keyAt: (ordinal) =>
        `${DAYS[Math.floor(ordinal / perDay)] ?? ''}part-${pad(ordinal % perDay, 5)}-${hex8(mix(ordinal))}.snappy.parquet`,
    },
    {
      name: 'long prefix + counter',
      count,
      keyAt: (ordinal) => `warehouse/production/events/raw/v1/region=eu-central-1/part-${pad(ordinal, 12)}.json.gz`,
    },
    {
      name: '68 % in one sub-range',
      count,
      keyAt(ordinal) {
        if (ordinal < before) return `data/${hex8(spread(ordinal, around))}/${hex8(mix(ordinal))}`;
        if (ordinal < before + crowded) return `data/b0-tenant/${toHex(ordinal - before, crowded)}`;
        return `data/${hex8(spread(ordinal - crowded, around))}/${hex8(mix(ordinal))}`;
      },
    },
    {
      name: 'UUIDs under two tenants',
      count,
      keyAt: (ordinal) =>
        ordinal < half
          ? `tenants/acme-industries/objects/${toUuid(ordinal, half)}`
          : `tenants/umbrella/objects/${toUuid(ordinal - half, count - half)}`,
    },
  ];
}

/** How many keys are not beyond this one. */
export function countUpTo(space: KeySpace, key: string): number {
  let low = 0;
  let high = space.count;
  while (low < high) {
    const middle = (low + high) >> 1;
    // All of these keys are ASCII, where UTF-16 order is UTF-8 order.
    if (compareUtf8(space.keyAt(middle), key) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
