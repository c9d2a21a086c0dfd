/**
 * What a pipeline is once the configuration has been read: every default applied, durations in milliseconds, sizes in bytes, no
 * secret in it. A run keeps the spec it was accepted with, so a change of the configuration never reaches a live run.
 */
export interface Location {
  readonly store: string;
  readonly bucket: string;
  /** '' or any string; not forced to end in '/'. */
  readonly prefix: string;
}

export interface Filters {
  /** Globs over the key without the source prefix; none means everything. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly minSizeBytes: number | null;
  readonly maxSizeBytes: number | null;
  /** Age at the nominal time of the run, never by the clock. */
  readonly minAgeMs: number | null;
  readonly maxAgeMs: number | null;
}

export interface Encryption {
  readonly algorithm: 'aws:kms' | 'AES256';
  readonly kmsKeyId: string | null;
}

/** What is done about an object at the target that is neither ours nor equal. */
export type Overwrite = 'refuse' | 'always';

export interface Schedule {
  /** Cron, five fields; six or seven as Temporal reads them. */
  readonly cron: string;
  /** IANA name. */
  readonly timezone: string;
  /** How late a missed nominal time is still made up for. */
  readonly catchupWindowMs: number;
  readonly jitterMs: number;
  readonly paused: boolean;
}

export interface PipelineSpec {
  readonly name: string;
  readonly source: Location;
  readonly target: Location & { readonly encryption: Encryption | null };
  readonly filters: Filters;
  readonly overwrite: Overwrite;
  /**
   * What proves the bytes of an object: its MD5, or, where the source tells one, a CRC of 32 or 64 bits. `crc` is the option
   * `proof: crc`; absent: by MD5.
   */
  readonly proof?: 'crc';
  /** Object tags are carried over: one more request for each object that has tags. */
  readonly tags: boolean;
  /** False is the unsafe option `unsafe_skip_target_listing`: losses and changes at the target are not seen. */
  readonly listTarget: boolean;
  /** Batches in flight at once. */
  readonly concurrency: number;
  readonly schedule: Schedule | null;
}

/** Where a key lands: target prefix + key minus source prefix. It keeps the order of keys. */
export function toTargetKey(spec: Pick<PipelineSpec, 'source' | 'target'>, sourceKey: string): string {
  return spec.target.prefix + sourceKey.slice(spec.source.prefix.length);
}

/** Everything under it belongs to the markers; it is never listed, planned, copied or reported. */
export const reservedPrefix = (target: Location): string => `${target.prefix}manifests/`;
export const markerKey = (target: Location, manifestHash: string): string =>
  `${reservedPrefix(target)}${manifestHash}.json`;
export const printLocation = (location: Location): string => `${location.store}/${location.bucket}/${location.prefix}`;
