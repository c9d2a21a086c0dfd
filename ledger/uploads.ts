/** Multipart uploads that are open at a target, so that whoever comes next goes on with them, or ends them. */
import type { CrcAlgorithm } from '../core/checksums.ts';
import type { PartLayout } from '../core/part-layout.ts';
import type { Location } from '../core/pipeline.ts';
import type { Fence } from './fence.ts';

/**
 * What proves the bytes of an upload when it is completed. `parts`: the ETags that the target gives its parts make the source's.
 * `crc`: the checksum of type FULL_OBJECT that the source told, base64; `isTold`: the upload was created with it.
 */
export type UploadProof =
  | { readonly by: 'parts' }
  | { readonly by: 'crc'; readonly algorithm: CrcAlgorithm; readonly value: string; readonly isTold: boolean };

export interface UploadRecord {
  readonly uploadId: string;
  readonly location: Location;
  /** Target key. */
  readonly key: string;
  readonly sourceEtag: string;
  readonly layout: PartLayout;
  /** Absent: by the MD5 of all bytes. */
  readonly proof?: UploadProof;
}

export interface PartRecord {
  readonly partNumber: number;
  readonly etag: string;
  readonly sizeBytes: number;
  /** State of the running MD5 or CRC of the object after this part, so that the next activity goes on with it; empty where there is none. */
  readonly hashState: Uint8Array;
}

export interface UploadLedger {
  /** Committed before part 1 is sent. Replaces the record of an earlier upload of the key. */
  openUpload(fence: Fence, upload: UploadRecord): Promise<void>;
  /** The open upload of a target key, by whichever attempt. */
  loadUpload(targetId: string, key: string): Promise<UploadRecord | null>;
  saveParts(fence: Fence, uploadId: string, parts: readonly PartRecord[]): Promise<void>;
  loadParts(uploadId: string): Promise<readonly PartRecord[]>;
  closeUpload(fence: Fence, uploadId: string): Promise<void>;
  /**
   * Open uploads of keys that no live attempt writes to, or of one attempt. `quietMs`: only of attempts that were closed that long ago,
   * so that none of their executions writes any more.
   */
  listOpenUploads(
    query: { deadOnly: true; quietMs?: number } | { attemptId: string },
  ): Promise<readonly UploadRecord[]>;
  /**
   * Decides, in one statement, that a dead upload is aborted and never resumed: an attempt that meets it from now on opens its own. False:
   * a live attempt writes to its key by now, or it is gone.
   */
  condemnUpload(uploadId: string, quietMs: number): Promise<boolean>;
  /** Forgets an upload that was aborted for a dead attempt. */
  forgetUpload(uploadId: string): Promise<void>;
}
