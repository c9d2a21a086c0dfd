/**
 * Listings: ranges, pages by their first key, and the entries of a store that lists out of order.
 *
 * A page goes in together with its range's cursor. A page that does not begin after the stored cursor is either the same page again,
 * which changes nothing, or comes from an execution that another one has overtaken; letting it in would make pages overlap.
 */
import { WaybillError } from '../../core/failures.ts';
import { compareUtf8 } from '../../core/utf8-order.ts';
import type { Ledger, ListingPage, ListingRange } from '../ledger.ts';
import type { Database, Queryable } from './database.ts';
import { fenced } from './fence.ts';
import { readByPages } from './stream.ts';

type ListingLedger = Pick<
  Ledger,
  'openListing' | 'savePage' | 'resetListing' | 'saveUnordered' | 'readUnordered' | 'readPages'
>;

interface UnorderedEntry {
  readonly key: string;
  readonly descriptor: string;
  readonly sizeBytes: number;
}

const PAGES_AT_ONCE = 50;
const ENTRIES_AT_ONCE = 5000;
const RANGE_COLUMNS = 'ordinal, after_key as after, until_key as until, cursor, done';

export function createListing(db: Database): ListingLedger {
  return {
    openListing: (fence) =>
      fenced(db, fence, async (tx) => {
        await tx.query(
          'insert into listing (attempt) values ($1) on conflict on constraint listing_attempt_key do nothing',
          [fence.attemptId],
        );
        const [listing] = await tx.query<{ id: string }>('select id from listing where attempt = $1', [
          fence.attemptId,
        ]);
        if (listing === undefined) throw new WaybillError('unclassified', 'a listing that was just made is not there');
        await tx.query(
          'insert into listing_range (listing, ordinal) values ($1, 0) on conflict on constraint listing_range_pkey do nothing',
          [listing.id],
        );
        const ranges = await tx.query<ListingRange>(
          `select ${RANGE_COLUMNS} from listing_range where listing = $1 order by ordinal`,
          [listing.id],
        );
        return { listingId: listing.id, ranges };
      }),
    savePage: (fence, listingId, range, page) => fenced(db, fence, (tx) => savePage(tx, listingId, range, page)),
    resetListing: (fence, listingId) =>
      fenced(db, fence, async (tx) => {
        for (const table of ['page', 'unordered_entry', 'chunk', 'listing_range']) {
          await tx.query(`delete from ${table} where listing = $1`, [listingId]);
        }
        await tx.query('insert into listing_range (listing, ordinal) values ($1, 0)', [listingId]);
      }),
    saveUnordered: (fence, listingId, entries) =>
      fenced(db, fence, async (tx) => {
        const byKey = new Map(entries.map((entry) => [entry.key, entry]));
        const rows = [...byKey.values()];
        await tx.query(
          `insert into unordered_entry (listing, key, descriptor, size_bytes)
           select $1, * from unnest($2::text[], $3::text[], $4::bigint[])
           on conflict on constraint unordered_entry_pkey
           do update set descriptor = excluded.descriptor, size_bytes = excluded.size_bytes`,
          [listingId, rows.map((row) => row.key), rows.map((row) => row.descriptor), rows.map((row) => row.sizeBytes)],
        );
      }),
    readUnordered: (listingId) =>
      readByPages<UnorderedEntry>(ENTRIES_AT_ONCE, (last) =>
        db.query(
          `select key, descriptor, size_bytes as "sizeBytes" from unordered_entry
           where listing = $1 and key > $2 order by key limit ${String(ENTRIES_AT_ONCE)}`,
          // No key is empty, so '' is before all of them.
          [listingId, last?.key ?? ''],
        ),
      ),
    readPages: (listingId) =>
      readByPages<ListingPage>(PAGES_AT_ONCE, (last) =>
        db.query(
          `select first_key as "firstKey", last_key as "lastKey", objects, size_bytes as "sizeBytes", body from page
           where listing = $1 and first_key > $2 order by first_key limit ${String(PAGES_AT_ONCE)}`,
          [listingId, last?.firstKey ?? ''],
        ),
      ),
  };
}

async function savePage(
  tx: Queryable,
  listingId: string,
  range: ListingRange,
  page: ListingPage | null,
): Promise<void> {
  const [stored] = await tx.query<ListingRange>(
    `select ${RANGE_COLUMNS} from listing_range where listing = $1 and ordinal = $2 for update`,
    [listingId, range.ordinal],
  );
  if (stored === undefined) {
    throw new WaybillError('unclassified', 'the listing has no such range', {
      listing: listingId,
      range: range.ordinal,
    });
  }
  if (page !== null) {
    if (stored.cursor !== null && compareUtf8(page.firstKey, stored.cursor) <= 0) {
      if (await isStored(tx, listingId, page)) return;
      throw new WaybillError('listing_incomplete', 'another execution has listed on from here', {
        listing: listingId,
        range: range.ordinal,
      });
    }
    await tx.query(
      'insert into page (listing, first_key, last_key, objects, size_bytes, body) values ($1, $2, $3, $4, $5, $6)',
      [listingId, page.firstKey, page.lastKey, page.objects, page.sizeBytes, page.body],
    );
  }
  const moved = range.cursor !== null && (stored.cursor === null || compareUtf8(range.cursor, stored.cursor) > 0);
  await tx.query('update listing_range set cursor = $3, done = done or $4 where listing = $1 and ordinal = $2', [
    listingId,
    range.ordinal,
    moved ? range.cursor : stored.cursor,
    // An execution that is behind does not know whether the range is done.
    range.done && (moved || range.cursor === null || range.cursor === stored.cursor),
  ]);
}

async function isStored(tx: Queryable, listingId: string, page: ListingPage): Promise<boolean> {
  const rows = await tx.query(
    'select 1 from page where listing = $1 and first_key = $2 and last_key = $3 and objects = $4',
    [listingId, page.firstKey, page.lastKey, page.objects],
  );
  return rows.length === 1;
}
