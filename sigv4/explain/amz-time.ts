/** YYYYMMDDTHHMMSSZ and milliseconds. */

/** Null when it is not that. */
export function parseAmz(text: string): number | null {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (match === null) return null;
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

export const printAmz = (ms: number): string => new Date(ms).toISOString().replace(/[-:]|\.\d{3}/g, '');

/** `20261122`, some days on; itself when it is no date. */
export function shiftDate(date: string, days: number): string {
  const at = parseAmz(`${date}T000000Z`);
  return at === null ? date : printAmz(at + days * 86_400_000).slice(0, 8);
}
