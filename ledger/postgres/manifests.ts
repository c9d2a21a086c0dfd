/** Manifests and their chunks. The hash names the bytes, so whoever saves a manifest first has saved it for all. */
import { WaybillError } from '../../core/failures.ts';
import type { Sha256Hex } from '../../core/ids.ts';
import { markerKey, type Location } from '../../core/pipeline.ts';
import type { Chunk, ManifestLedger, ManifestRecord } from '../ledger.ts';
import type { Database, Queryable } from './database.ts';
import { fenced, toLeaseLost, writeFenced } from './fence.ts';
import { readByPages } from './stream.ts';

/** A chunk is about 300 KB: few at once, so that a reader's memory stays small. */
const CHUNKS_AT_ONCE = 4;

export function createManifests(db: Database): ManifestLedger {
  return {
    async saveChunk(fence, listingId, chunk) {
      const sql = `insert into chunk (listing, ordinal, first_key, last_key, objects, size_bytes, body)
        select $4::uuid, $5::int, $6, $7, $8::int, $9::bigint, $10::bytea from fence on conflict on constraint chunk_pkey
        do update set first_key = excluded.first_key, last_key = excluded.last_key, objects = excluded.objects,
          size_bytes = excluded.size_bytes, body = excluded.body returning 1`;
      const { ordinal, firstKey, lastKey, objects, sizeBytes, body } = chunk;
      const row = [listingId, ordinal, firstKey, lastKey, objects, sizeBytes, body];
      if (!(await writeFenced(db, fence, sql, row))) throw toLeaseLost(fence);
    },
    saveManifest: (fence, manifest) =>
      fenced(db, fence, async (tx) => {
        // Another attempt's row that is not committed yet makes this wait.
        await tx.query(
          `insert into manifest (hash, content_hash, run_id, listing, objects, size_bytes, manifest_bytes, chunks)
           values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict on constraint manifest_pkey do nothing`,
          [
            manifest.hash,
            manifest.contentHash,
            manifest.runId,
            manifest.listingId,
            manifest.objects,
            manifest.sizeBytes,
            manifest.manifestBytes,
            manifest.chunks,
          ],
        );
        const saved = await selectManifest(tx, manifest.hash);
        // The pages stay until the attempt ends: an activity that is killed right here folds them again.
        if (saved.listingId !== manifest.listingId) {
          await tx.query('delete from chunk where listing = $1', [manifest.listingId]);
        }
        await tx.query('update attempt set manifest_hash = $2, content_hash = $3 where id = $1', [
          fence.attemptId,
          saved.hash,
          saved.contentHash,
        ]);
        return saved;
      }),
    loadManifest: (hash) => selectManifest(db, hash),
    readChunks: (listingId) =>
      readByPages<Chunk>(CHUNKS_AT_ONCE, (last) =>
        db.query(
          `select ordinal, first_key as "firstKey", last_key as "lastKey", objects, size_bytes as "sizeBytes", body from chunk
           where listing = $1 and ordinal > $2 order by ordinal limit ${String(CHUNKS_AT_ONCE)}`,
          [listingId, last?.ordinal ?? -1],
        ),
      ),
    async readChunkEnds(listingId) {
      const rows = await db.query<{ lastKey: string }>(
        'select last_key as "lastKey" from chunk where listing = $1 order by ordinal',
        [listingId],
      );
      return rows.map(({ lastKey }) => lastKey);
    },
  };
}

/** @throws unknown_manifest, manifest_pruned */
async function selectManifest(db: Queryable, hash: string): Promise<ManifestRecord> {
  const [row] = await db.query<ManifestRecord>(
    `select hash, content_hash as "contentHash", run_id as "runId", listing as "listingId", objects, size_bytes as "sizeBytes",
       manifest_bytes as "manifestBytes", chunks from manifest where hash = $1`,
    [hash],
  );
  if (row === undefined) throw await toMissing(db, hash as Sha256Hex);
  return row;
}

/** An attempt keeps the name of its manifest longer than the ledger keeps the manifest; the marker of one that was done has its bytes. */
async function toMissing(db: Queryable, hash: Sha256Hex): Promise<WaybillError> {
  const [attempt] = await db.query<{ isDone: boolean; target: Location }>(
    `select state = 'done' and target is not null as "isDone", spec->'target' as target from attempt
     where manifest_hash = $1 order by (state = 'done' and target is not null) desc, ended_at desc limit 1`,
    [hash],
  );
  if (attempt === undefined) return new WaybillError('unknown_manifest', 'no such manifest', { hash });
  if (!attempt.isDone) {
    return new WaybillError('manifest_pruned', 'it was pruned, and no run of it was done and left a marker', { hash });
  }
  const { store, bucket } = attempt.target;
  const marker = { store, bucket, key: markerKey(attempt.target, hash) };
  return new WaybillError('manifest_pruned', 'it was pruned; its marker stands at the target', { hash, ...marker });
}
