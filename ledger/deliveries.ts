/** What has been delivered to a target, and as which version of its source. */
import type { Sha256Hex } from '../core/ids.ts';

export interface DeliveryRecord {
  /** Target key. */
  readonly key: string;
  readonly sourceEtag: string;
  readonly sourceVersion: string | null;
  readonly sizeBytes: number;
  readonly targetEtag: string;
  /** `md5:HEX` or `etag:VALUE`: what was compared when it was verified. */
  readonly checksum: string;
}

/** Keys of a target behind one and up to and including another; null: from the first, or to the last. */
export interface KeyRange {
  readonly after: string | null;
  readonly until: string | null;
}

/** Keys of a target, and how a manifest of its source names them. */
export interface DeliveredRange extends KeyRange {
  readonly objectsMax: number;
  /** Of the source. */
  readonly bucket: string;
  readonly sourcePrefix: string;
  readonly targetPrefix: string;
}

/** What was delivered, as the text of a manifest: canonical descriptors, by key, joined by ','. */
export interface DeliveredText {
  readonly objects: number;
  /** Of the text's UTF-8, with the ETags of the source: to be told whether it is the manifest's it need not come here. */
  readonly sourceSha256: Sha256Hex;
  /** With the ETags that the target had afterwards; null: it is the same. */
  readonly targetText: string | null;
}

export interface DeliveryLedger {
  /** Current deliveries of the target by key, strictly after `after`, up to and including `until`. */
  readDeliveries(
    targetId: string,
    after: string | null,
    limit: number,
    until?: string | null,
  ): Promise<readonly DeliveryRecord[]>;
  /** What was delivered between two keys, in a manifest's words, to be held against one. Null: more than `objectsMax`. */
  readDeliveredText(targetId: string, range: DeliveredRange): Promise<DeliveredText | null>;
  loadDeliveries(targetId: string, keys: readonly string[]): Promise<ReadonlyMap<string, DeliveryRecord>>;
}
