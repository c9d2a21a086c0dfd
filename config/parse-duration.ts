/** Durations and sizes as people write them. The schema has refused every other form before these are called. */
const MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `30s`, `1.5h`, or a number of seconds, as whole milliseconds. */
export function parseDurationMs(value: string | number): number {
  if (typeof value === 'number') return Math.round(value * 1000);
  const match = /^([0-9.]+)(ms|s|m|h|d)$/.exec(value);
  return Math.round(Number(match?.[1]) * (MS[match?.[2] ?? ''] ?? NaN));
}
