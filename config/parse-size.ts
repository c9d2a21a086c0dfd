/** Sizes as people write them: powers of 1,024 with an i, powers of 1,000 without. */
const BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KIB: 1024,
  MIB: 1024 ** 2,
  GIB: 1024 ** 3,
  TIB: 1024 ** 4,
};

/** `5MiB`, `1.5 GB`, or a number of bytes, as whole bytes. The schema has refused every other form before. */
export function parseSizeBytes(value: string | number): number {
  if (typeof value === 'number') return value;
  const match = /^([0-9.]+) ?([A-Za-z]+)$/.exec(value);
  return Math.round(Number(match?.[1]) * (BYTES[match?.[2]?.toUpperCase() ?? ''] ?? NaN));
}
