/**
 * The words of AWS Signature Version 4. This folder is pure: no dependency, no I/O, no clock; hashing is injected, so that it runs
 * in Node and in a browser. Source: AWS, "Create a signed AWS API request" and "Authenticating Requests (AWS Signature Version 4)".
 */

/** Synchronous hashing. `node-crypto.ts` brings Node's; a page brings its own. */
export interface Crypto {
  sha256(data: string | Uint8Array): Uint8Array;
  hmacSha256(key: Uint8Array | string, data: string): Uint8Array;
  /** The same as lower-case hex, where the bytes alone would cost as much as the hashing. */
  sha256Hex?(data: string | Uint8Array): string;
  hmacSha256Hex?(key: Uint8Array | string, data: string): string;
}

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/**
 * `s3`: each path segment is encoded once and nothing is folded. `standard`: the path that is sent is normalised (`.`, `..`, `//`)
 * and encoded twice, as every other service does.
 */
export type PathRule = 's3' | 'standard';

/** A request as it goes over the wire. Header names in any case, in wire order, repeats kept; values undecoded. */
export interface WireRequest {
  readonly method: string;
  /** The request target up to '?', percent-encoded as sent. */
  readonly path: string;
  /** After '?', as sent; '' when there is none. */
  readonly query: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

export interface Scope {
  /** YYYYMMDD */
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

/** Keeps signing keys between calls; made by `createSigningKeyCache` and owned by the caller. */
export interface SigningKeyCache {
  get(secret: string, scope: Scope): Uint8Array | undefined;
  set(secret: string, scope: Scope, signingKey: Uint8Array): void;
}

/** Every stage's text, so that two sides can be compared line by line. Holds no secret and no signing key. */
export interface Stages {
  readonly canonicalUri: string;
  readonly canonicalQuery: string;
  readonly canonicalHeaders: string;
  readonly signedHeaders: string;
  readonly payloadHash: string;
  readonly canonicalRequest: string;
  readonly canonicalRequestHash: string;
  readonly scope: string;
  readonly stringToSign: string;
}

export interface SignInput {
  readonly request: WireRequest;
  readonly credentials: Credentials;
  readonly region: string;
  readonly service: string;
  readonly pathRule: PathRule;
  /** Lower-case hex, or UNSIGNED-PAYLOAD, or one of the STREAMING-… words. */
  readonly payloadHash: string;
  readonly at: Date;
  /** Lower-case names; default: every header of the request but authorization, and those that transport rewrites. */
  readonly signedHeaders?: readonly string[];
  /** Default: true for service s3. */
  readonly addContentSha256?: boolean;
  readonly keyCache?: SigningKeyCache;
}

export interface Signed {
  /** The request's headers with x-amz-date, x-amz-content-sha256, x-amz-security-token and authorization added. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly authorization: string;
  readonly signature: string;
  /** For chunk signatures. Never leaves the process. */
  readonly signingKey: Uint8Array;
  readonly stages: Stages;
}

export interface PresignInput extends Omit<SignInput, 'addContentSha256'> {
  readonly expiresSeconds: number;
}

export interface Presigned {
  /** `path?query` with every X-Amz-… parameter. */
  readonly target: string;
  readonly signature: string;
  readonly stages: Stages;
}

/** One code for each way to be wrong; `code` is S3's own. */
export interface VerifyFailure {
  readonly ok: false;
  readonly code:
    | 'AccessDenied'
    | 'AuthorizationHeaderMalformed'
    | 'AuthorizationQueryParametersError'
    | 'InvalidAccessKeyId'
    | 'InvalidRequest'
    | 'InvalidToken'
    | 'ExpiredToken'
    | 'RequestTimeTooSkewed'
    | 'SignatureDoesNotMatch'
    | 'MissingSecurityHeader'
    | 'XAmzContentSHA256Mismatch'
    | 'InvalidArgument';
  readonly message: string;
  /** Only with SignatureDoesNotMatch: what the server computed. Never the expected signature. */
  readonly stages?: Stages;
  readonly accessKeyId?: string;
  readonly signatureProvided?: string;
  /** Nobody was named, in either form. */
  readonly isAnonymous?: true;
  /** What S3 tells beside this message, in its order. */
  readonly fields?: readonly (readonly [name: string, value: string])[];
}

export interface Verified {
  readonly ok: true;
  readonly form: 'header' | 'presigned';
  readonly accessKeyId: string;
  /** Null when the request has none. It is the one of the credentials whose signature held. */
  readonly sessionToken: string | null;
  readonly scope: Scope;
  readonly signedHeaders: readonly string[];
  /** What x-amz-content-sha256 says; UNSIGNED-PAYLOAD for a presigned URL that does not say. */
  readonly payloadHash: string;
  readonly signature: string;
  /** For chunk signatures. Never leaves the process. */
  readonly signingKey: Uint8Array;
  readonly at: Date;
  readonly stages: Stages;
}

export interface VerifyInput {
  readonly request: WireRequest;
  readonly now: Date;
  readonly region: string;
  readonly service: string;
  readonly pathRule: PathRule;
  /**
   * The secrets that are valid for an access key (two while it rotates), or none. `sessionToken` is what the request claims, not
   * verified yet: a token that carries its own meaning is needed to find the secret; it is compared with that of the credentials.
   */
  readonly findCredentials: (accessKeyId: string, sessionToken: string | null) => readonly Credentials[];
  /** Hash of the body, for a service whose clients need not send x-amz-content-sha256; never looked at for s3. */
  readonly payloadHash?: string;
  readonly keyCache?: SigningKeyCache;
}
