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

/** The proxy through which a store is reached. */
export interface Egress {
  /** `connect`: HTTP CONNECT, for plain endpoints too. `socks5`: the proxy resolves the names, never this machine. */
  readonly kind: 'connect' | 'socks5';
  /** How the proxy itself is spoken to: https only for `connect`. */
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  readonly credentials: { readonly username: SecretRef; readonly password: SecretRef } | null;
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
  /** False where the store refuses bodies in signed chunks: large ones of unknown hash are spooled to a file first. */
  readonly signedChunks: boolean;
  /** `direct`: the gateway signs requests at POST /sign, and workers send them. Absent: proxied, all bytes pass through the gateway. */
  readonly traffic?: 'proxied' | 'direct';
  /** Writes are signed also where the store takes x-amz- headers that no signature covers. Absent: not. */
  readonly unsafeDirectWrites?: boolean;
  /** Null: straight. */
  readonly egress: Egress | null;
  /** Of the connection to the store. The file's certificates are trusted beside the public ones. */
  readonly tls: { readonly caFile: string | null; readonly minVersion: 'TLSv1.2' | 'TLSv1.3' };
  /** POST /upload may reach private addresses though the endpoint is a name. Link-local ones nobody may reach. */
  readonly allowPrivateAddresses: boolean;
  /** What new objects are encrypted with where the caller does not say. */
  readonly encryption: Encryption | null;
  /** Null: AWS's own of the region where the endpoint is AWS's, and none elsewhere. */
  readonly kmsEndpoint: string | null;
}

/** X-Accel-Redirect: the nginx in front sends the files of a directory. */
export interface AccelSettings {
  /** The internal location of nginx that is the store's `data/`, with a slash at both ends. */
  readonly prefix: string;
  /** The names of user metadata, in lower case without `x-amz-meta-`, that nginx is configured to copy. */
  readonly metadata: readonly string[];
}

export interface DirectoryStore extends StoreCommon {
  readonly kind: 'directory';
  readonly directory: string;
  /** Absent: the gateway sends the bytes of its objects itself. */
  readonly accel?: AccelSettings;
  /** False is for scratch stores: acknowledged writes may be lost when the machine stops. */
  readonly fsync: boolean;
}

export type StoreConfig = ProviderStore | DirectoryStore;

export type GatewayOperation = 'list' | 'read' | 'write' | 'delete' | 'admin';

/** A workload's key: bound to one store, and to what it may do there. Default deny. */
export interface WorkloadKey {
  readonly name: string;
  readonly accessKeyId: SecretRef;
  /** One; two while the key rotates: both are valid, and the worker signs with the first. */
  readonly secretAccessKeys: readonly SecretRef[];
  readonly store: string;
  readonly operations: readonly GatewayOperation[];
  /** Empty: every bucket of the store. */
  readonly buckets: readonly string[];
  /** Empty: every key of those buckets. */
  readonly prefixes: readonly string[];
  readonly allowUnsignedPayload: boolean;
  /** May call POST /upload. */
  readonly upload: boolean;
  /** SHA-256 in hex of a bearer token that stands for the key at POST /upload, or a SecretRef to it. Absent: none does. */
  readonly bearerSha256?: string | null;
  /** May have requests to a store of direct traffic signed with POST /sign, and its sessions may. Absent: not. */
  readonly sign?: boolean;
  /** May ask for short-lived credentials with POST /session. */
  readonly session: boolean;
  /** From then on it is nobody's key; null for one that stays valid until it is taken out. */
  readonly expiresAt: Date | null;
  /** Addresses and CIDR blocks that it may be used from; empty: every address. */
  readonly sourceNetworks: readonly string[];
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** What the gateway's listener bears. */
export interface GatewayLimits {
  readonly connectionsMax: number;
  /** For each address, but for those of trusted proxies. */
  readonly connectionsPerAddressMax: number;
  /** Bytes of bodies that are held whole at once; a request beyond it is answered SlowDown. */
  readonly memoryBytes: number;
  /** How long a body may bring nothing, and an answer wait for its reader. */
  readonly idleLimitMs: number;
}

/** 'all': a line for each request, and one more for each refusal. */
export type AccessLogMode = 'all' | 'refusals' | 'off';

export interface GatewayConfig {
  readonly listen: ListenAddress;
  readonly adminListen: ListenAddress | null;
  /** The bearer token of the admin listener; null leaves metrics open and the rest closed. */
  readonly adminToken: SecretRef | null;
  /** The admin listener speaks TLS too, with the same certificate. */
  readonly adminTls: boolean;
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
  readonly limits: GatewayLimits;
  readonly accessLog: AccessLogMode;
  /** Says why a signature did not match, in the log and at /refusals. Absent: it does not. */
  readonly explain?: boolean;
  /** Whose X-Forwarded-For is believed: addresses and CIDR blocks. */
  readonly trustedProxies: readonly string[];
  /** Seals session tokens. Gateways that share it know each other's sessions; without it none are given out. */
  readonly sessionSecret: SecretRef | null;
}

export interface WorkerConfig {
  /** Where the gateway listens, as seen from the worker. */
  readonly gatewayEndpoint: string;
  /** Store name → name of the workload key that the worker signs with. */
  readonly keys: Readonly<Record<string, string>>;
  /** Runs are signed with sessions of their own, which the keys above ask for; without it with the keys themselves. */
  readonly sessions: boolean;
  /** Each with a memory, a limit of copies in flight and connections of its own. Default: one for each core. */
  readonly processes: number;
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
  /** For how long manifests, steps and outcomes of ended attempts are kept, unless their pipeline says otherwise. */
  readonly retentionMs: number;
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
  /** In place of the worker's `retentionMs`. Not in the spec, which an attempt keeps: what holds is the present configuration. */
  readonly pipelineRetentionMs: ReadonlyMap<string, number>;
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
