/** The last word on a listing before it counts as one: its ranges cover every key, each once, and each to its end (invariant I11). */
import { WaybillError } from '../../core/failures.ts';
import { compareUtf8 } from '../../core/utf8-order.ts';
import type { ListingRange } from '../../ledger/ledger.ts';

/** @throws listing_incomplete */
export function assertComplete(ranges: readonly ListingRange[]): void {
  const ordered = [...ranges].sort((a, b) =>
    a.after === null ? -1 : b.after === null ? 1 : compareUtf8(a.after, b.after),
  );
  let end: string | null | undefined;
  for (const [index, { ordinal, after, until, done }] of ordered.entries()) {
    if (!done) throw new WaybillError('listing_incomplete', 'a range was not listed to its end', { range: ordinal });
    if (index === 0 ? after !== null : after !== end) {
      throw new WaybillError('listing_incomplete', 'the ranges of a listing do not meet', { range: ordinal });
    }
    end = until;
  }
  if (end !== null) throw new WaybillError('listing_incomplete', 'the ranges of a listing do not reach its end');
}
