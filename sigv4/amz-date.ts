/** Times as Signature Version 4 writes them: `YYYYMMDD'T'HHMMSS'Z'`, in UTC, to the second. */
const AMZ_DATE = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/;

/** The time of a signature; milliseconds are cut off. */
export function toAmzDate(at: Date): string {
  const second = Math.floor(at.getTime() / 1000);
  if (second === lastSecond) return lastText;
  const iso = at.toISOString();
  lastText = iso.slice(0, 4) + iso.slice(5, 7) + iso.slice(8, 13) + iso.slice(14, 16) + iso.slice(17, 19) + 'Z';
  lastSecond = second;
  return lastText;
}

// Requests of one second have one date: whoever serves thousands a second formats it, and reads it, once.
let lastSecond = Number.NaN;
let lastText = '-';

/** The time that the text names; null when it has another form or names no real time, such as a 30th of February. */
export function parseAmzDate(text: string): Date | null {
  if (text === lastText) return new Date(lastSecond * 1000);
  const match = AMZ_DATE.exec(text);
  if (match === null) return null;
  const [, year, month, day, hour, minute, second] = match;
  const at = new Date(
    Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second)),
  );
  return toAmzDate(at) === text ? at : null;
}

/** `Thu, 01 Jan 2026 00:00:00 GMT`, the one form of HTTP's that clients write. */
const HTTP_DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** What a Date header says, in the form of x-amz-date; '' when it says no time. */
export function dateHeaderToAmzDate(text: string): string {
  if (parseAmzDate(text) !== null) return text;
  const at = HTTP_DATE.test(text) ? new Date(text) : null;
  return at === null || at.toUTCString() !== text ? '' : toAmzDate(at);
}
