/**
 * The port to the ledger: what is known of targets, runs, attempts, listings, manifests, plans, steps and deliveries. The one
 * production adapter is `postgres/`. Time is the database's own `now()`; keys compare as UTF-8 bytes (`collate "C"`).
 *
 * - One live attempt a target: a partial unique index arbitrates, not our code.
 * - Every write of a live attempt is fenced: its transaction locks the target's row at the attempt's epoch and fails with
 *   `lease_lost` when another attempt owns the target. A plan without a run owns no target; its fence is its own live attempt.
 * - Every write may be repeated with the same arguments and leaves the same state.
 * - Failures: `ledger_unavailable` when Postgres cannot be reached or the connection breaks; others as each method says.
 */
import type { CrcAlgorithm } from '../core/checksums.ts';
import type { Sha256Hex } from '../core/ids.ts';
import type { OutcomeCode } from '../core/outcomes.ts';
import type { PartLayout } from '../core/part-layout.ts';
import type { Location, PipelineSpec } from '../core/pipeline.ts';
import type { ClosedState, LiveState, RunState } from '../core/run-state.ts';
import type { TrafficByOperation } from '../core/traffic.ts';

export type RunMode = 'run' | 'plan';

/** Proof that a writer still owns its target. `targetId` null: a plan without a run. */
export interface Fence {
  readonly attemptId: string;
  readonly targetId: string | null;
  readonly epoch: number;
}

/* ---------- runs and attempts ---------- */

export interface AcceptRequest {
  readonly pipeline: string;
  readonly mode: RunMode;
  readonly runId: string;
  /** ISO 8601 with Z, for a scheduled run. */
  readonly nominalAt: string | null;
  readonly spec: PipelineSpec;
  /** sha256 of (store, bucket, prefix, key mapping, encryption and metadata options). */
  readonly targetFingerprint: Sha256Hex;
  /** Asks for a new attempt even where the run is done. */
  readonly again: boolean;
  readonly idempotency: { readonly principal: string; readonly key: string; readonly requestSha256: Sha256Hex } | null;
}

export type Accepted =
  /** A new attempt was made; its workflow is to be started. */
  | { readonly kind: 'accepted'; readonly run: RunRecord }
  /** The run's attempt is live already. */
  | { readonly kind: 'live'; readonly run: RunRecord }
  /** The run is done; it is verified and its receipt returned. */
  | { readonly kind: 'done'; readonly run: RunRecord };

export interface Totals {
  readonly objects: number;
  readonly sizeBytes: number;
  readonly copied: number;
  readonly copiedBytes: number;
  readonly skipped: number;
  readonly skippedBytes: number;
  readonly adopted: number;
  readonly adoptedBytes: number;
  /** Of `copied`, those that were lost or changed at the target. */
  readonly repaired: number;
  readonly orphans: number;
  /** Outcomes by code. */
  readonly outcomes: Readonly<Partial<Record<OutcomeCode, number>>>;
}

export interface Money {
  readonly currency: string;
  readonly spent: number;
  readonly avoided: number;
}

/** What the finished attempt says of itself, for people and for the API. */
export interface Summary {
  readonly traffic: TrafficByOperation;
  readonly avoidedTraffic: TrafficByOperation;
  readonly money: readonly Money[];
  readonly markerKey: string | null;
  /** The source held no object that passes the filters: an explicit outcome, not an error. */
  readonly emptySource: boolean;
}

export interface Verification {
  readonly state: 'running' | 'ok' | 'lost' | 'failed';
  /** ISO 8601; null while running. */
  readonly checkedAt: string | null;
  readonly objects: number;
  readonly missing: number;
  readonly changed: number;
  readonly marker: 'present' | 'absent' | 'different' | 'unknown';
  readonly message: string | null;
}

export interface AttemptRecord {
  readonly attemptId: string;
  readonly number: number;
  readonly state: RunState;
  readonly workflowRunId: string | null;
  readonly manifestHash: Sha256Hex | null;
  readonly contentHash: Sha256Hex | null;
  readonly planHash: Sha256Hex | null;
  readonly totals: Totals | null;
  readonly summary: Summary | null;
  readonly verification: Verification | null;
  readonly failure: { readonly type: string; readonly message: string } | null;
  readonly acceptedAt: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
}

/** A run with its latest attempt. */
export interface RunRecord {
  /** UUID. */
  readonly id: string;
  readonly mode: RunMode;
  readonly pipeline: string;
  readonly runId: string;
  readonly nominalAt: string | null;
  readonly attempt: AttemptRecord;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Opaque; null at the end. */
  readonly nextCursor: string | null;
}

/** What the first activity learns of its attempt. */
export interface BegunAttempt {
  readonly fence: Fence;
  readonly number: number;
  readonly runUuid: string;
  readonly pipeline: string;
  readonly runId: string;
  readonly mode: RunMode;
  readonly nominalAt: string | null;
  readonly spec: PipelineSpec;
  /** How long to stay quiet before the first store write, since an attempt that was terminated may still be writing. */
  readonly quietMs: number;
}

/* ---------- listing and manifest ---------- */

export interface ListingRange {
  readonly ordinal: number;
  /** Keys strictly after it; null: from the start. */
  readonly after: string | null;
  /** Up to and including it; null: to the end. */
  readonly until: string | null;
  /** Last key of the last saved page. */
  readonly cursor: string | null;
  readonly done: boolean;
}

/** What an execution adds to a range. */
export interface RangeChange {
  /** As it is to be. */
  readonly range: ListingRange;
  /** As the execution knows it; null: the range is new. */
  readonly was: Pick<ListingRange, 'until' | 'cursor' | 'done'> | null;
  /** Between the cursor that it had and the one that it gets, ascending. */
  readonly pages: readonly ListingPage[];
}

/** One listing answer after the filters; `body` is the canonical descriptors joined by ','. */
export interface ListingPage {
  readonly firstKey: string;
  readonly lastKey: string;
  readonly objects: number;
  readonly sizeBytes: number;
  readonly body: Uint8Array;
}

export interface Chunk extends ListingPage {
  readonly ordinal: number;
}

export interface ManifestRecord {
  readonly hash: Sha256Hex;
  readonly contentHash: Sha256Hex;
  readonly runId: string;
  readonly listingId: string;
  readonly objects: number;
  /** Sum of the objects' sizes. */
  readonly sizeBytes: number;
  /** Length of the canonical manifest itself. */
  readonly manifestBytes: number;
  readonly chunks: number;
}

/* ---------- plan and steps ---------- */

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

/** Canonical descriptors of what was delivered, by key, joined by ','. */
export interface DeliveredText {
  readonly objects: number;
  /** With the ETags of the source. */
  readonly sourceText: string;
  /** With those that the target had afterwards. */
  readonly targetText: string;
}

export interface StepKey {
  /** '' for list and manifest steps: there is no hash yet. */
  readonly manifestHash: string;
  readonly step: StepName;
  /** From 0. */
  readonly ordinal: number;
}

export type StepName = 'list' | 'manifest' | 'plan' | 'copy' | 'create' | 'parts' | 'complete' | 'finalize';

export interface OutcomeRecord {
  /** Source key; for an orphan the target key. Keys that Postgres cannot hold are percent-encoded, and `detail` says so. */
  readonly key: string;
  readonly code: OutcomeCode;
  readonly detail: string;
}

/** What a step leaves in the ledger; all of it in one transaction. */
export interface StepEffects {
  /** A delivery closes the upload of its key. */
  readonly deliveries?: readonly DeliveryRecord[];
  readonly outcomes?: readonly OutcomeRecord[];
  /** Target keys that neither the source nor the target has any more. */
  readonly forgotten?: readonly string[];
  readonly traffic?: TrafficByOperation;
}

export interface PlanBatch {
  readonly ordinal: number;
  readonly kind: 'objects' | 'large';
  readonly objects: number;
  readonly sizeBytes: number;
  /** JSON of the actions, compressed by the caller. */
  readonly body: Uint8Array;
}

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

/**
 * What proves the bytes of an upload when it is completed. `parts`: the ETags that the target gives its parts make the source's.
 * `crc`: the checksum of type FULL_OBJECT that the source told, base64; `isTold`: the upload was created with it.
 */
export type UploadProof =
  | { readonly by: 'parts' }
  | { readonly by: 'crc'; readonly algorithm: CrcAlgorithm; readonly value: string; readonly isTold: boolean };

export interface PartRecord {
  readonly partNumber: number;
  readonly etag: string;
  readonly sizeBytes: number;
  /** State of the running MD5 or CRC of the object after this part, so that the next activity goes on with it; empty where there is none. */
  readonly hashState: Uint8Array;
}

export interface PruneOptions {
  readonly retentionMs: number;
  /** By name of the pipeline, in place of `retentionMs`. */
  readonly pipelineRetentionMs: ReadonlyMap<string, number>;
  readonly attemptsMax: number;
}

export interface Ledger {
  /* runs and attempts */

  /**
   * Commits the run and its attempt, or finds them. Twenty callers at once get one attempt.
   * @throws target_busy with pipeline and runId of the live run; idempotency_conflict
   */
  accept(request: AcceptRequest): Promise<Accepted>;
  /** What an Idempotency-Key stands for, or null. @throws idempotency_conflict */
  findIdempotent(principal: string, key: string, requestSha256: Sha256Hex): Promise<RunRecord | null>;
  /** @throws unknown_run */
  loadRun(id: string): Promise<RunRecord>;
  findRun(mode: RunMode, pipeline: string, runId: string): Promise<RunRecord | null>;
  /** Newest first. */
  listRuns(query: { pipeline?: string; state?: RunState; cursor?: string; limit: number }): Promise<Page<RunRecord>>;
  listAttempts(runUuid: string): Promise<readonly AttemptRecord[]>;
  /** Attempts in a live state, oldest first: the reconciler and the sweeper look at them. */
  listLiveAttempts(): Promise<readonly RunRecord[]>;
  /** By outcome code, or 'copied' (deliveries of this run's latest attempt); by key. */
  listObjects(query: {
    id: string;
    outcome?: OutcomeCode | 'copied';
    cursor?: string;
    limit: number;
  }): Promise<Page<{ key: string; outcome: OutcomeCode | 'copied'; detail: string }>>;

  /**
   * Takes the target's lease for the run's live attempt: its epoch rises by one, once for each workflow run.
   * A terminated predecessor with unreleased claims makes `quietMs` = what is left of the heartbeat time-out since it was settled.
   * `attemptId` is the attempt that the workflow was started for: one that was terminated and asks late must not take its successor's.
   * @throws unknown_run; lease_lost when the attempt is closed, or the run is at another one
   */
  beginAttempt(
    runUuid: string,
    workflowRunId: string,
    heartbeatTimeoutMs: number,
    attemptId?: string,
  ): Promise<BegunAttempt>;
  /** The same for an attempt that has begun; cached by callers for the life of an activity. @throws lease_lost */
  loadAttempt(fence: Fence): Promise<BegunAttempt>;
  /** The pipeline as the attempt was accepted with, also after it has ended. @throws unknown_run */
  loadSpec(attemptId: string): Promise<PipelineSpec>;
  /** The same with the run that it is an attempt of. @throws unknown_run */
  loadOrigin(attemptId: string): Promise<{ readonly runUuid: string; readonly spec: PipelineSpec }>;
  setState(fence: Fence, state: LiveState): Promise<void>;
  /** Closes the attempt and releases the lease. Repeating it with the same state succeeds. */
  endAttempt(
    fence: Fence,
    end: { state: ClosedState; failure?: { type: string; message: string }; totals?: Totals; summary?: Summary },
  ): Promise<void>;
  /** Closes an attempt whose workflow is dead, without its fence; the epoch rises so that its zombies fail. */
  settleDeadAttempt(
    attemptId: string,
    failure: { type: string; message: string },
    state?: 'failed' | 'cancelled',
  ): Promise<void>;
  saveVerification(attemptId: string, verification: Verification): Promise<void>;
  /** Outcome counts and traffic so far. */
  loadProgress(attemptId: string): Promise<{
    outcomes: Readonly<Partial<Record<OutcomeCode, number>>>;
    traffic: TrafficByOperation;
  }>;
  audit(principal: string, action: string, subject: string, detail: Readonly<Record<string, unknown>>): Promise<void>;

  /* listing and manifest */

  /** The attempt's one listing; made at the first call with one range over everything. */
  openListing(fence: Fence): Promise<{ listingId: string; ranges: readonly ListingRange[] }>;
  /**
   * Pages, the cursors of their ranges, and new ranges with the ends of those that they were cut from, in one transaction. Each range
   * is to be as the execution left it. @throws listing_incomplete when another execution has listed on
   */
  saveRanges(fence: Fence, listingId: string, changes: readonly RangeChange[]): Promise<void>;
  /** Throws away what was listed, for a store that lists out of order: it starts over with `saveUnordered`. */
  resetListing(fence: Fence, listingId: string): Promise<void>;
  saveUnordered(
    fence: Fence,
    listingId: string,
    entries: readonly { readonly key: string; readonly descriptor: string; readonly sizeBytes: number }[],
  ): Promise<void>;
  /** The entries of `saveUnordered`, by key. */
  readUnordered(
    listingId: string,
  ): AsyncIterable<{ readonly key: string; readonly descriptor: string; readonly sizeBytes: number }>;
  /** Pages by first key. */
  readPages(listingId: string): AsyncIterable<ListingPage>;
  saveChunk(fence: Fence, listingId: string, chunk: Chunk): Promise<void>;
  /** First writer wins: another attempt's manifest of the same hash is returned, and this listing's chunks and pages are dropped. */
  saveManifest(fence: Fence, manifest: ManifestRecord): Promise<ManifestRecord>;
  /** @throws unknown_manifest; manifest_pruned, which names its marker where a run of it was done */
  loadManifest(hash: string): Promise<ManifestRecord>;
  readChunks(listingId: string): AsyncIterable<Chunk>;

  /* plan and steps */

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
  findTarget(fingerprint: Sha256Hex): Promise<string | null>;
  saveBatches(fence: Fence, batches: readonly PlanBatch[]): Promise<void>;
  loadBatch(attemptId: string, ordinal: number): Promise<PlanBatch>;
  /** Kinds of the plan's batches, `from` on, at most `limit`: what the copy loop needs to know of them. */
  listBatches(
    attemptId: string,
    from: number,
    limit: number,
  ): Promise<readonly Pick<PlanBatch, 'ordinal' | 'kind' | 'objects' | 'sizeBytes'>[]>;
  savePlanHash(fence: Fence, planHash: Sha256Hex): Promise<void>;
  /** The stored result of a step, or null. */
  loadStep(fence: Fence, key: StepKey): Promise<unknown>;
  /** Notes that an execution of the step may write to the store from now on; `commitStep` and `releaseStep` take it back. */
  claimStep(fence: Fence, key: StepKey, holder: string): Promise<void>;
  /** Fence, result, deliveries, outcomes, traffic and the release of the claim: one transaction, counted once. */
  commitStep(fence: Fence, key: StepKey, holder: string, result: unknown, effects: StepEffects): Promise<void>;
  /** What a failed execution has to show: fence, effects and the release of the claim, without a result. */
  releaseStep(fence: Fence, key: StepKey, holder: string, effects: StepEffects): Promise<void>;

  /** Effects that need no step's result, in pieces as they come up; the fence holds, repeating leaves the same state (traffic adds up). */
  saveEffects(fence: Fence, effects: StepEffects): Promise<void>;

  /** Takes back what an earlier execution of the plan reported. */
  dropOutcomes(fence: Fence, codes: readonly OutcomeCode[]): Promise<void>;

  /* uploads */

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

  /**
   * Drops what is kept of attempts that ended longer ago than their pipeline keeps it, or, where it has no retention of its own,
   * `retentionMs`: listing, manifest, steps, outcomes. Runs, attempts with their totals, and deliveries stay. Nothing goes of the latest
   * done attempt of a target, nor a manifest that another attempt still needs. A round takes `attemptsMax` at most, the oldest first,
   * each in a transaction of its own. Returns how many were pruned.
   */
  prune(options: PruneOptions): Promise<number>;

  ping(): Promise<void>;
  close(): Promise<void>;
}
