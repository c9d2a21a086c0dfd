/**
 * Checks a cron expression by Temporal's reading of it, so that a schedule never fails when it is created: five fields (minute,
 * hour, day of month, month, day of week), a sixth for the year, seven with the seconds in front. Lists, ranges, steps, names of
 * months (three letters or more) and of days (two or more); 7 is Sunday as well. Time zones have a field of their own here.
 */
const MONTHS = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
];
const DAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names?: { readonly list: readonly string[]; readonly lettersMin: number; readonly first: number };
}

const SECOND: Field = { name: 'second', min: 0, max: 59 };
const FIVE: readonly Field[] = [
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of month', min: 1, max: 31 },
  { name: 'month', min: 1, max: 12, names: { list: MONTHS, lettersMin: 3, first: 1 } },
  { name: 'day of week', min: 0, max: 7, names: { list: DAYS, lettersMin: 2, first: 0 } },
];
const YEAR: Field = { name: 'year', min: 2000, max: 2100 };
const LAYOUTS: Readonly<Record<number, readonly Field[]>> = {
  5: FIVE,
  6: [...FIVE, YEAR],
  7: [SECOND, ...FIVE, YEAR],
};

/** Null when the expression can be scheduled, else what was expected. */
export function checkCron(cron: string): string | null {
  const words = cron.trim().split(/\s+/);
  const layout = LAYOUTS[words.length];
  if (layout === undefined)
    return 'expected a cron expression of five fields: minute, hour, day of month, month, day of week';
  for (const [index, field] of layout.entries()) {
    if (!(words[index] ?? '').split(',').every((part) => isPart(part, field))) {
      return `expected a ${field.name} of ${field.min} to ${field.max} in field ${index + 1} of the cron expression, as 1, 1-5, */2 or a list of those`;
    }
  }
  return null;
}

function isPart(part: string, field: Field): boolean {
  const [range = '', step, ...rest] = part.split('/');
  if (rest.length > 0 || (step !== undefined && !/^[1-9][0-9]{0,3}$/.test(step))) return false;
  if (range === '*') return true;
  const [from = '', until, ...more] = range.split('-');
  if (more.length > 0) return false;
  const first = toNumber(from, field);
  const last = until === undefined ? first : toNumber(until, field);
  return first !== null && last !== null && first >= field.min && last <= field.max && first <= last;
}

function toNumber(word: string, field: Field): number | null {
  if (/^[0-9]{1,4}$/.test(word)) return Number(word);
  const { names } = field;
  if (names === undefined || word.length < names.lettersMin) return null;
  const index = names.list.findIndex((name) => name.startsWith(word.toLowerCase()));
  return index === -1 ? null : index + names.first;
}

/** Null when the name is an IANA time zone, else what was expected. Offsets are none: they know no summer time. */
export function checkTimezone(timezone: string): string | null {
  const expected = 'expected an IANA time zone such as UTC or Europe/Berlin';
  if (!/^[A-Z][A-Za-z0-9_+/-]*$/.test(timezone)) return expected;
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone });
    return null;
  } catch {
    return expected;
  }
}
