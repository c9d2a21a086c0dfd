/** What stands at a target, by key: as rows, and as the text that a manifest of it would have. */
import type { Sha256Hex } from '../../core/ids.ts';
import type { DeliveredRange, DeliveredText, DeliveryLedger, DeliveryRecord } from '../ledger.ts';
import type { Database } from './database.ts';

const COLUMNS = `key, source_etag as "sourceEtag", source_version as "sourceVersion", size_bytes as "sizeBytes",
  target_etag as "targetEtag", checksum`;

/**
 * The canonical descriptor with one ETag or the other; to_json escapes as JSON.stringify does. Text that differs from the manifest's
 * only sends the reader to the rows, so nothing rests on it. $6, $7: a key at the target is a prefix and the source's key behind its own.
 */
const toDescriptor = (etag: 'source_etag' | 'target_etag'): string => `concat($5::text, to_json(${etag}), ',"key":',
  to_json($6::text || substr(key, char_length($7::text) + 1)), ',"size":', size_bytes,
  case when source_version is not null then concat(',"version_id":', to_json(source_version)) end, '}')`;

const toText = (etag: 'source_etag' | 'target_etag'): string => `coalesce(string_agg(${toDescriptor(etag)}, ','), '')`;

/** In the order of the index: an aggregate over rows that come sorted takes them so. One row more than may be tells that there are more. */
const selectStretch = (result: string): string => `select count(*) as objects, ${result}
  from (select key, source_etag, target_etag, source_version, size_bytes from delivery
    where target = $1 and key > $2 and ($3::text is null or key <= $3) order by key limit $4) as stretch`;

const SOURCE = selectStretch(`bool_and(target_etag = source_etag) as "sameEtags",
    encode(sha256(convert_to(${toText('source_etag')}, 'UTF8')), 'hex') as sha256`);
const TARGET = selectStretch(`${toText('target_etag')} as text`);

interface SourceRow {
  readonly objects: number;
  /** Null where there are none. */
  readonly sameEtags: boolean | null;
  readonly sha256: Sha256Hex;
}

export function createDeliveries(db: Database): DeliveryLedger {
  return {
    readDeliveries: (targetId, after, limit, until = null) =>
      db.query<DeliveryRecord>(
        `select ${COLUMNS} from delivery where target = $1 and key > $2 and ($4::text is null or key <= $4) order by key limit $3`,
        // No key is empty, so '' is before all of them.
        [targetId, after ?? '', limit, until],
      ),
    async loadDeliveries(targetId, keys) {
      const rows = await db.query<DeliveryRecord>(
        `select ${COLUMNS} from delivery where target = $1 and key = any($2::text[])`,
        [targetId, keys],
      );
      return new Map(rows.map((row) => [row.key, row]));
    },
    async readDeliveredText(targetId, range) {
      const parameters = toParameters(targetId, range);
      const [source] = await db.query<SourceRow>(SOURCE, parameters);
      if (source === undefined || source.objects > range.objectsMax) return null;
      const { objects, sha256: sourceSha256 } = source;
      if (source.sameEtags !== false) return { objects, sourceSha256, targetText: null };
      // Most targets have the ETags of their source: their own text is asked for where it is another.
      const [target] = await db.query<{ readonly text: string }>(TARGET, parameters);
      return { objects, sourceSha256, targetText: target?.text ?? '' } satisfies DeliveredText;
    },
  };
}

const toParameters = (targetId: string, range: DeliveredRange): (string | number | null)[] => [
  targetId,
  range.after ?? '',
  range.until,
  range.objectsMax + 1,
  `{"bucket":${JSON.stringify(range.bucket)},"etag":`,
  range.sourcePrefix,
  range.targetPrefix,
];
