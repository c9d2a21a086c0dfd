/** Instants of RFC 3339, with a zone: a time without one would mean another instant on each machine. */
const INSTANT = /^(\d{4})-(\d{2})-(\d{2})[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/;

/** Null when it is not one, also for days that no month has. */
export function parseInstant(text: string): Date | null {
  const match = INSTANT.exec(text);
  const ms = Date.parse(text.toUpperCase());
  if (match === null || Number.isNaN(ms)) return null;
  const [, year, month, day] = match;
  const last = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  return Number(day) >= 1 && Number(day) <= last ? new Date(ms) : null;
}
