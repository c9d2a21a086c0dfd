/**
 * Listings: ranges, pages by their first key, and the entries of a store that lists out of order.
 *
 * Pages go in together with their ranges' cursors, and a cut together with the range that it makes, so that at any moment the ranges cover
 * every key once and the pages all that lies before their cursors. A range that is not as its writer knows it is either as he leaves it,
 * when he says it again, or another execution's, which has overtaken him; letting his pages in would make pages overlap.
 */
import { WaybillError } from '../../core/failures.ts';
import type { ListingLedger, ListingPage, ListingRange, RangeChange, UnorderedEntry } from '../ledger.ts';
import type { Database, Queryable } from './database.ts';
import { fenced, readFenced } from './fence.ts';
import { readByPages, readByPagesAhead } from './stream.ts';

const PAGES_AT_ONCE = 50;
const ENTRIES_AT_ONCE = 5000;
const RANGE_COLUMNS = 'ordinal, after_key as after, until_key as until, cursor, done';

export function createListing(db: Database): ListingLedger {
  return {
    async openListing(fence) {
      // It is opened several times an attempt, to see how far it is, and made once.
      const rows = await readFenced<ListingRange & { id: string }>(
        db,
        fence,
        `select listing as id, ${RANGE_COLUMNS} from listing_range where listing = (select id from listing where attempt = $1)`,
      );
      const [known] = rows;
      if (known !== undefined) {
        const ranges = rows.map(({ id: _, ...range }) => range).sort((x, y) => x.ordinal - y.ordinal);
        return { listingId: known.id, ranges };
      }
      return fenced(db, fence, async (tx) => {
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
      });
    },
    saveRanges: (fence, listingId, changes) =>
      fenced(db, fence, async (tx) => {
        if (await isSaved(tx, listingId, changes)) return;
        await upsertRanges(tx, listingId, changes);
        const pages = changes.flatMap((change) => change.pages);
        for (let from = 0; from < pages.length; from += PAGES_AT_ONCE) {
          await insertPages(tx, listingId, pages.slice(from, from + PAGES_AT_ONCE));
        }
      }),
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
      readByPagesAhead<ListingPage>(PAGES_AT_ONCE, (last) =>
        db.query(
          `select first_key as "firstKey", last_key as "lastKey", objects, size_bytes as "sizeBytes", body from page
           where listing = $1 and first_key > $2 order by first_key limit ${String(PAGES_AT_ONCE)}`,
          [listingId, last?.firstKey ?? ''],
        ),
      ),
  };
}

/**
 * Locks the ranges. True: all of it is in the ledger already.
 * @throws listing_incomplete
 */
async function isSaved(tx: Queryable, listingId: string, changes: readonly RangeChange[]): Promise<boolean> {
  const rows = await tx.query<ListingRange>(
    `select ${RANGE_COLUMNS} from listing_range where listing = $1 and ordinal = any($2::int[]) order by ordinal for update`,
    [listingId, changes.map(({ range }) => range.ordinal)],
  );
  const stored = new Map(rows.map((row) => [row.ordinal, row]));
  if (changes.every(({ range }) => isSame(stored.get(range.ordinal), range))) return true;
  for (const { range, was } of changes) {
    const row = stored.get(range.ordinal);
    const isKnown =
      was === null ? row === undefined : row?.cursor === was.cursor && row.until === was.until && row.done === was.done;
    if (!isKnown) {
      throw new WaybillError('listing_incomplete', 'another execution has listed on from here', {
        listing: listingId,
        range: range.ordinal,
      });
    }
  }
  return false;
}

const isSame = (a: ListingRange | undefined, b: ListingRange): boolean =>
  a !== undefined && a.after === b.after && a.until === b.until && a.cursor === b.cursor && a.done === b.done;

async function upsertRanges(tx: Queryable, listingId: string, changes: readonly RangeChange[]): Promise<void> {
  const ranges = changes.map(({ range }) => range);
  await tx.query(
    `insert into listing_range (listing, ordinal, after_key, until_key, cursor, done)
     select $1, * from unnest($2::int[], $3::text[], $4::text[], $5::text[], $6::bool[])
     on conflict on constraint listing_range_pkey
     do update set until_key = excluded.until_key, cursor = excluded.cursor, done = excluded.done`,
    [
      listingId,
      ranges.map(({ ordinal }) => ordinal),
      ranges.map(({ after }) => after),
      ranges.map(({ until }) => until),
      ranges.map(({ cursor }) => cursor),
      // The driver knows no arrays of booleans; Postgres reads them from text.
      ranges.map(({ done }) => String(done)),
    ],
  );
}

/**
 * The bodies as one parameter, cut up by Postgres: bytes in an array would travel as text, twice as long, and with a parameter for each the
 * driver copies all that came before into more memory again and again. It comes last, when all else has been written.
 */
async function insertPages(tx: Queryable, listingId: string, pages: readonly ListingPage[]): Promise<void> {
  const starts: number[] = [];
  let bytes = 0;
  for (const { body } of pages) {
    starts.push(bytes + 1);
    bytes += body.byteLength;
  }
  await tx.query(
    `insert into page (listing, first_key, last_key, objects, size_bytes, body)
     select $1, first_key, last_key, objects, size_bytes, substring($8::bytea from starts for bytes)
     from unnest($2::text[], $3::text[], $4::int[], $5::bigint[], $6::int[], $7::int[])
       as each (first_key, last_key, objects, size_bytes, starts, bytes)`,
    [
      listingId,
      pages.map(({ firstKey }) => firstKey),
      pages.map(({ lastKey }) => lastKey),
      pages.map(({ objects }) => objects),
      pages.map(({ sizeBytes }) => sizeBytes),
      starts,
      pages.map(({ body }) => body.byteLength),
      Buffer.concat(pages.map(({ body }) => body)),
    ],
  );
}
