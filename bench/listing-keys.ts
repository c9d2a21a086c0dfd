/**
 * Five kinds of key spaces of any size, each a function from an ordinal to a key that ascends in UTF-8 order, so that a page of four
 * million keys costs nothing to keep: what a store would answer is found by bisection.
 */
import { compareUtf8 } from '../core/utf8-order.ts';

export interface KeySpace {
  readonly name: string;
  readonly count: number;
  keyAt(ordinal: number): string;
  /** The same as ASCII; what it returns is where it ends. */
  writeKey(into: Uint8Array, at: number, ordinal: number): number;
}

/** A hash of 32 bits, so that what follows a key's ordered part looks like chance. */
function mix(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The ordinal-th of `count` values spread over 32 bits, each somewhere within its own part, as chance would have it. */
function spread(ordinal: number, count: number): number {
  const part = 2 ** 32 / count;
  return Math.floor(part * ordinal + (part * mix(ordinal)) / 2 ** 32);
}

const DAYS_IN = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const pad2 = (value: number): string => String(value).padStart(2, '0');
const DAYS = [2021, 2022, 2023, 2024].flatMap((year) =>
  DAYS_IN.flatMap((days, month) =>
    Array.from({ length: days }, (_, day) => `y=${String(year)}/m=${pad2(month + 1)}/d=${pad2(day + 1)}/`),
  ),
);

const HEX = Buffer.from('0123456789abcdef');
const ZERO = 0x30;
const DASH = 0x2d;
const KEY_BYTES = 1024;

function writeText(into: Uint8Array, at: number, text: Uint8Array): number {
  for (let from = 0; from < text.length; from++) into[at + from] = text[from] ?? 0;
  return at + text.length;
}

/** Hexadecimal digits of a value from the first-th to before the last-th of eight. */
function writeHex(into: Uint8Array, at: number, value: number, first = 0, last = 8): number {
  let to = at;
  for (let digit = first; digit < last; digit++) into[to++] = HEX[(value >>> (28 - 4 * digit)) & 15] ?? 0;
  return to;
}

function writePadded(into: Uint8Array, at: number, value: number, width: number): number {
  let rest = value;
  for (let place = at + width - 1; place >= at; place--) {
    const next = Math.floor(rest / 10);
    into[place] = ZERO + (rest - next * 10);
    rest = next;
  }
  return at + width;
}

function writeHash(into: Uint8Array, at: number, ordinal: number, count: number): number {
  let to = writeHex(into, at, spread(ordinal, count));
  for (const more of [1, 7, 13]) to = writeHex(into, to, mix(ordinal + more));
  return to;
}

function writeUuid(into: Uint8Array, at: number, ordinal: number, count: number): number {
  const [second, third] = [mix(ordinal + 1), mix(ordinal + 7)];
  let to = writeHex(into, at, spread(ordinal, count));
  into[to++] = DASH;
  to = writeHex(into, to, second, 0, 4);
  into[to++] = DASH;
  into[to++] = 0x34;
  to = writeHex(into, to, second, 5, 8);
  into[to++] = DASH;
  into[to++] = 0x61;
  to = writeHex(into, to, third, 1, 4);
  into[to++] = DASH;
  to = writeHex(into, to, third, 4, 8);
  return writeHex(into, to, mix(ordinal + 13));
}

/** @param urlEncoded keys as a store answers them that was asked for `encoding-type=url` */
export function createKeySpaces(count: number, urlEncoded = false): readonly KeySpace[] {
  const text = (plain: string): Buffer => Buffer.from(urlEncoded ? plain.replaceAll('=', '%3D') : plain);
  const perDay = Math.ceil(count / DAYS.length);
  const crowded = Math.floor(count * 0.68);
  const around = count - crowded;
  // What sorts before `logs/2024/app-7/`, and what after.
  const before = Math.floor((around * 11) / 16);
  const half = Math.floor(count / 2);
  const toSpace = (name: string, writeKey: KeySpace['writeKey']): KeySpace => {
    const scratch = Buffer.alloc(KEY_BYTES);
    return { name, count, writeKey, keyAt: (ordinal) => scratch.toString('latin1', 0, writeKey(scratch, 0, ordinal)) };
  };
  const [parquet, part, snappy, dash] = [text('.parquet'), text('part-'), text('.snappy.parquet'), text('-')];
  const days = DAYS.map(text);
  const warehouse = text('warehouse/production/events/raw/v1/region=eu-central-1/part-');
  const json = text('.json.gz');
  const [data, slash, tenant] = [text('data/'), text('/'), text('data/b0-tenant/')];
  const [acme, umbrella] = [text('tenants/acme-industries/objects/'), text('tenants/umbrella/objects/')];
  return [
    toSpace('uniform hex', (into, at, ordinal) => writeText(into, writeHash(into, at, ordinal, count), parquet)),
    toSpace('date tree y=/m=/d=', (into, at, ordinal) => {
      let to = writeText(into, at, days[Math.floor(ordinal / perDay)] ?? part);
      to = writeText(into, to, part);
      to = writePadded(into, to, ordinal % perDay, 5);
      to = writeText(into, to, dash);
      return writeText(into, writeHex(into, to, mix(ordinal)), snappy);
    }),
    toSpace('long prefix + counter', (into, at, ordinal) =>
      writeText(into, writePadded(into, writeText(into, at, warehouse), ordinal, 12), json),
    ),
    toSpace('68 % in one sub-range', (into, at, ordinal) => {
      if (ordinal >= before && ordinal < before + crowded) {
        return writeHash(into, writeText(into, at, tenant), ordinal - before, crowded);
      }
      const to = writeText(into, at, data);
      const end = writeHex(into, to, spread(ordinal < before ? ordinal : ordinal - crowded, around));
      return writeHex(into, writeText(into, end, slash), mix(ordinal));
    }),
    toSpace('UUIDs under two tenants', (into, at, ordinal) =>
      ordinal < half
        ? writeUuid(into, writeText(into, at, acme), ordinal, half)
        : writeUuid(into, writeText(into, at, umbrella), ordinal - half, count - half),
    ),
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
