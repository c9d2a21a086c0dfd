/** Reads the dates of a page of ListObjectsV2 from its bytes: `2026-03-04T05:06:07Z`, or with `.089`, and no other form. */

export const DATE_BYTES_MIN = '2026-01-01T00:00:00Z'.length;

const ZERO = 0x30;
const DASH = 0x2d;
const POINT = 0x2e;
const COLON = 0x3a;
const LETTER_T = 0x54;
const LETTER_Z = 0x5a;

/** Of 20260304; NaN for what is no day, and for one before 1970, where the slower readers round the other way: it is theirs. */
function toDayMs(dayNumber: number): number {
  const [year, month, day] = [Math.floor(dayNumber / 10_000), Math.floor(dayNumber / 100) % 100, dayNumber % 100];
  if (!(year >= 1970) || month < 1 || month > 12 || day < 1 || day > 31) return NaN;
  const dayMs = Date.UTC(year, month - 1, day);
  // The 31st of a month that has 30 days is another day.
  return day > 28 && new Date(dayMs).getUTCDate() !== day ? NaN : dayMs;
}

export class ListDateReader {
  /** The last date: of its second, in milliseconds since the epoch. */
  dateMs = 0;
  readonly #bytes: Buffer;
  readonly #view: DataView;
  readonly #length: number;
  /** The day of the last date and where it stands, for the next mostly has the same. */
  #dayMs = 0;
  #dayAt = -1;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#length = bytes.byteLength;
  }

  /** @returns where the date that stands there ends; -1 for any other form */
  read(at: number): number {
    const bytes = this.#bytes;
    const dayMs = this.#readDay(at);
    const hour = this.#twoDigits(at + 11);
    const minute = this.#twoDigits(at + 14);
    const second = this.#twoDigits(at + 17);
    if (bytes[at + 13] !== COLON || bytes[at + 16] !== COLON) return -1;
    // What is no digit is NaN, which no comparison lets pass.
    if (!(dayMs >= 0 && hour <= 23 && minute <= 59 && second <= 59)) return -1;
    let end = at + 19;
    if (bytes[end] === POINT) {
      // The middle one is looked at twice.
      if (Number.isNaN(this.#twoDigits(end + 1) + this.#twoDigits(end + 2))) return -1;
      end += 4;
    }
    if (bytes[end] !== LETTER_Z) return -1;
    this.dateMs = dayMs + ((hour * 60 + minute) * 60 + second) * 1000;
    return end + 1;
  }

  /** Of `2026-03-04T`, in milliseconds; NaN for any other form. */
  #readDay(at: number): number {
    const view = this.#view;
    const before = this.#dayAt;
    if (at + DATE_BYTES_MIN > this.#length) return NaN;
    const isSame =
      before >= 0 &&
      view.getInt32(at) === view.getInt32(before) &&
      view.getInt32(at + 4) === view.getInt32(before + 4) &&
      view.getInt32(at + 7) === view.getInt32(before + 7);
    if (isSame) return this.#dayMs;
    const bytes = this.#bytes;
    const year = this.#twoDigits(at) * 100 + this.#twoDigits(at + 2);
    const dayNumber = year * 10_000 + this.#twoDigits(at + 5) * 100 + this.#twoDigits(at + 8);
    if (bytes[at + 4] !== DASH || bytes[at + 7] !== DASH || bytes[at + 10] !== LETTER_T) return NaN;
    const dayMs = toDayMs(dayNumber);
    if (Number.isNaN(dayMs)) return NaN;
    this.#dayAt = at;
    return (this.#dayMs = dayMs);
  }

  /** NaN for what is none. */
  #twoDigits(at: number): number {
    const tens = (this.#bytes[at] ?? 0) - ZERO;
    const ones = (this.#bytes[at + 1] ?? 0) - ZERO;
    return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? NaN : tens * 10 + ones;
  }
}
