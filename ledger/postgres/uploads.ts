/** Multipart uploads that are open at a target, and the parts that have arrived. */
import { WaybillError } from '../../core/failures.ts';
import type { PartLayout } from '../../core/part-layout.ts';
import type { PartRecord, UploadLedger, UploadRecord } from '../ledger.ts';
import type { Database } from './database.ts';
import { fenced } from './fence.ts';

interface UploadRow {
  readonly upload_id: string;
  readonly store: string;
  readonly bucket: string;
  readonly prefix: string;
  readonly key: string;
  readonly source_etag: string;
  readonly layout: PartLayout & Pick<UploadRecord, 'proof'>;
}

const COLUMNS = 'u.upload_id, u.store, u.bucket, u.prefix, u.key, u.source_etag, u.layout';

/**
 * No live attempt writes to its key, under whatever fingerprint of the target: a location is a prefix of the places of its keys. And its
 * own attempt was closed longer than $1 milliseconds ago.
 */
const IS_DEAD = `not exists (select 1 from attempt a
    where a.live and starts_with(u.store || '/' || u.bucket || '/' || u.key, a.location))
  and not exists (select 1 from attempt a where a.id = u.attempt and a.ended_at > now() - $1 * interval '1 millisecond')`;

/** What a condemned upload says of its source: no ETag begins with a space, so nobody finds that it could be gone on with. */
const CONDEMNED = ' condemned';

/** What proves the bytes is kept with the layout, which is JSON. */
function toUploadRecord(row: UploadRow): UploadRecord {
  const { proof, ...layout } = row.layout;
  return {
    uploadId: row.upload_id,
    location: { store: row.store, bucket: row.bucket, prefix: row.prefix },
    key: row.key,
    sourceEtag: row.source_etag,
    layout,
    ...(proof && { proof }),
  };
}

export function createUploads(db: Database): UploadLedger {
  return {
    openUpload: (fence, upload) =>
      fenced(db, fence, async (tx) => {
        if (fence.targetId === null) throw new WaybillError('invalid_state', 'a plan without a run uploads nothing');
        await tx.query('delete from upload where target = $1 and key = $2 and upload_id <> $3', [
          fence.targetId,
          upload.key,
          upload.uploadId,
        ]);
        const { store, bucket, prefix } = upload.location;
        await tx.query(
          `insert into upload (upload_id, target, attempt, store, bucket, prefix, key, source_etag, layout)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
           on conflict on constraint upload_pkey do update set attempt = excluded.attempt`,
          [
            upload.uploadId,
            fence.targetId,
            fence.attemptId,
            store,
            bucket,
            prefix,
            upload.key,
            upload.sourceEtag,
            JSON.stringify({ ...upload.layout, ...(upload.proof && { proof: upload.proof }) }),
          ],
        );
      }),
    async loadUpload(targetId, key) {
      const [row] = await db.query<UploadRow>(`select ${COLUMNS} from upload u where u.target = $1 and u.key = $2`, [
        targetId,
        key,
      ]);
      return row === undefined ? null : toUploadRecord(row);
    },
    saveParts: (fence, uploadId, parts) =>
      fenced(db, fence, async (tx) => {
        const known = await tx.query('select 1 from upload where upload_id = $1 for key share', [uploadId]);
        if (known.length === 0)
          throw new WaybillError('no_such_upload', 'the ledger knows no such upload', { uploadId });
        const rows = [...new Map(parts.map((part) => [part.partNumber, part])).values()];
        await tx.query(
          `insert into part (upload_id, part_number, etag, size_bytes, md5_state)
           select $1, * from unnest($2::int[], $3::text[], $4::bigint[], $5::bytea[])
           on conflict on constraint part_pkey do update set etag = excluded.etag, size_bytes = excluded.size_bytes,
             md5_state = excluded.md5_state`,
          [
            uploadId,
            rows.map((part) => part.partNumber),
            rows.map((part) => part.etag),
            rows.map((part) => part.sizeBytes),
            rows.map((part) => part.hashState),
          ],
        );
      }),
    loadParts: (uploadId) =>
      db.query<PartRecord>(
        `select part_number as "partNumber", etag, size_bytes as "sizeBytes", md5_state as "hashState" from part
         where upload_id = $1 order by part_number`,
        [uploadId],
      ),
    closeUpload: (fence, uploadId) =>
      fenced(db, fence, async (tx) => {
        await tx.query('delete from upload where upload_id = $1', [uploadId]);
      }),
    async listOpenUploads(query) {
      const rows =
        'attemptId' in query
          ? await db.query<UploadRow>(`select ${COLUMNS} from upload u where u.attempt = $1 order by u.key`, [
              query.attemptId,
            ])
          : await db.query<UploadRow>(`select ${COLUMNS} from upload u where ${IS_DEAD} order by u.target, u.key`, [
              query.quietMs ?? 0,
            ]);
      return rows.map(toUploadRecord);
    },
    async condemnUpload(uploadId, quietMs) {
      const rows = await db.query(
        `update upload u set source_etag = $3 where u.upload_id = $2 and ${IS_DEAD} returning u.upload_id`,
        [quietMs, uploadId, CONDEMNED],
      );
      return rows.length > 0;
    },
    async forgetUpload(uploadId) {
      await db.query('delete from upload where upload_id = $1', [uploadId]);
    },
  };
}
