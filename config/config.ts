/**
 * What `waybill.yaml` says once it has been read and checked (`load-config.ts`). Secrets are references, resolved by the one
 * process that needs them and no other: the gateway resolves a store's credentials, a worker its workload keys.
 */
import type { Encryption, PipelineSpec } from '../core/pipeline.ts';

/** `env:NAME` or `file:PATH`; a literal secret in the file is refused. */
export type SecretRef = `env:${string}` | `file:${string}`;

export interface KeyPairRef {
  readonly accessKeyId: SecretRef;
  readonly secretAccessKey: SecretRef;
  readonly sessionToken: SecretRef | null;
}

/** What a store costs; all in one currency, per thousand requests and per GiB. */
export interface Prices {
  readonly currency: string;
  /** PUT, COPY, POST, LIST. */
  readonly perThousandWrites: number;
  /** GET, HEAD. */
  readonly perThousandReads: number;
  /** Bytes that leave the store. */
  readonly perGibOut: number;
}

interface StoreCommon {
  readonly name: string;
  readonly region: string;
  /** False where the store ignores or refuses If-None-Match and If-Match on writes; then HEAD, compare, PUT. */
  readonly conditionalWrites: boolean;
  /** 'opaque' where ETags are not MD5 of the bytes (a bucket with default KMS encryption, some appliances). */
  readonly etags: 'md5' | 'opaque';
  readonly prices: Prices;
}

export interface ProviderStore extends StoreCommon {
  readonly kind: 'provider';
  /** https://host[:port], no path. */
  readonly endpoint: string;
  readonly addressing: 'path' | 'virtual';
  /** Explicit keys, or the AWS SDK's default chain (environment, profile, web identity, IMDS). */
  readonly credentials: KeyPairRef | { readonly profile: string } | 'default-chain';
  /** Outward UNSIGNED-PAYLOAD; off unless chosen. */
  readonly unsignedPayload: boolean;
}

export interface DirectoryStore extends StoreCommon {
  readonly kind: 'directory';
  readonly directory: string;
  /** False is for scratch stores: acknowledged writes may be lost when the machine stops. */
  readonly fsync: boolean;
}

export type StoreConfig = ProviderStore | DirectoryStore;

export type GatewayOperation = 'list' | 'read' | 'write' | 'delete' | 'admin';

/** A workload's key: bound to one store, and to what it may do there. Default deny. */
export interface WorkloadKey {
  readonly name: string;
  readonly accessKeyId: SecretRef;
  readonly secretAccessKey: SecretRef;
  readonly store: string;
  readonly operations: readonly GatewayOperation[];
  /** Empty: every bucket of the store. */
  readonly buckets: readonly string[];
  /** Empty: every key of those buckets. */
  readonly prefixes: readonly string[];
  readonly allowUnsignedPayload: boolean;
  /** May call POST /upload. */
  readonly upload: boolean;
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export interface GatewayConfig {
  readonly listen: ListenAddress;
  readonly adminListen: ListenAddress | null;
  /** Plain HTTP beyond loopback is refused without it. */
  readonly allowInsecureHttp: boolean;
  readonly tls: { readonly certFile: string; readonly keyFile: string } | null;
  /** The region that callers sign for. */
  readonly region: string;
  readonly keys: readonly WorkloadKey[];
  /** Bodies of POST /upload, decoded. */
  readonly uploadBytesMax: number;
  /** How long one request may take to arrive whole. */
  readonly requestLimitMs: number;
}

export interface WorkerConfig {
  /** Where the gateway listens, as seen from the worker. */
  readonly gatewayEndpoint: string;
  /** Store name → name of the workload key that the worker signs with. */
  readonly keys: Readonly<Record<string, string>>;
  readonly metricsListen: ListenAddress | null;
  /** A worker whose last acknowledged heartbeat is older than half of it begins no store write. */
  readonly heartbeatTimeoutMs: number;
  /**
   * The longest that one store request may take; at most half the heartbeat time-out. A run keeps the time-out that it was started
   * with, so this is raised above half of an older one only when no run of that time is live.
   */
  readonly requestLimitMs: number;
  readonly memoryBytes: number;
  readonly sweepIntervalMs: number;
}

export interface ApiToken {
  readonly name: string;
  /** SHA-256 of the token in hex, or a SecretRef to it; the token itself is kept nowhere. */
  readonly sha256: string;
  readonly role: 'operator' | 'viewer';
}

export interface ApiConfig {
  readonly listen: ListenAddress;
  readonly tokens: readonly ApiToken[];
}

export interface Config {
  readonly stores: ReadonlyMap<string, StoreConfig>;
  readonly pipelines: ReadonlyMap<string, PipelineSpec>;
  readonly gateway: GatewayConfig | null;
  readonly worker: WorkerConfig | null;
  readonly api: ApiConfig | null;
  readonly database: SecretRef | null;
  readonly temporal: {
    readonly address: string;
    readonly namespace: string;
    readonly taskQueue: string;
  };
}

export type { Encryption };
