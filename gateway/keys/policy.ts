/**
 * What a workload key may do: a pure decision over the parsed target, and nothing else. Default deny: an operation that is not in
 * the table, not granted, or outside the key's buckets and prefixes is refused.
 *
 * Prefixes are compared with the decoded key, byte for byte, as S3 compares them: `a` also covers `ab/c`. The `.` and `..` segments
 * of a key may not lead out of its prefix: S3 takes them as letters, but a provider behind a normalising proxy would not, and then
 * the key that was allowed would not be the key that is served.
 */
import type { GatewayOperation } from '../../config/config.ts';
import type { Operation } from '../../core/traffic.ts';
import type { Target } from '../backend.ts';

export interface Policy {
  readonly operations: ReadonlySet<GatewayOperation>;
  /** Empty: every bucket of the store. */
  readonly buckets: readonly string[];
  /** Empty: every key of those buckets. */
  readonly prefixes: readonly string[];
}

export type Decision =
  { readonly ok: true } | { readonly ok: false; readonly code: 'AccessDenied'; readonly message: string };

/** Which right an operation takes. Every step of a multipart upload is a write, also looking at one's own parts. */
const RIGHT_BY_OPERATION: Readonly<Record<Operation, GatewayOperation>> = {
  ListBuckets: 'list',
  HeadBucket: 'list',
  CreateBucket: 'admin',
  DeleteBucket: 'admin',
  ListObjectsV2: 'list',
  HeadObject: 'read',
  GetObject: 'read',
  PutObject: 'write',
  DeleteObject: 'delete',
  CreateMultipartUpload: 'write',
  UploadPart: 'write',
  CompleteMultipartUpload: 'write',
  AbortMultipartUpload: 'write',
  ListMultipartUploads: 'write',
  ListParts: 'write',
  GetObjectTagging: 'read',
  PutObjectTagging: 'write',
  DeleteObjectTagging: 'write',
  GetBucketLocation: 'list',
  ListObjects: 'list',
  DeleteObjects: 'delete',
  // The source of a copy is asked about apart, as a GetObject.
  CopyObject: 'write',
  UploadPartCopy: 'write',
  GetObjectAttributes: 'read',
  GetBucketVersioning: 'list',
  ListObjectVersions: 'list',
};

const ALLOWED: Decision = { ok: true };

/** Decides whether a key with this policy may ask for this target. */
export function authorize(policy: Policy, target: Target): Decision {
  const right = Object.hasOwn(RIGHT_BY_OPERATION, target.operation) ? RIGHT_BY_OPERATION[target.operation] : undefined;
  if (right === undefined || !policy.operations.has(right)) {
    return refuse(`this key may not ${right ?? 'do'}: ${target.operation} is not granted to it`);
  }
  if (target.bucket === '') {
    // A listing of buckets cannot be cut down to some of them without rewriting the store's answer.
    return policy.buckets.length === 0 ? ALLOWED : refuse('this key is bound to buckets and may not list them all');
  }
  if (policy.buckets.length > 0 && !policy.buckets.includes(target.bucket)) {
    return refuse('this key may not use this bucket');
  }
  return policy.prefixes.length === 0 ? ALLOWED : authorizePrefix(policy.prefixes, target);
}

function authorizePrefix(prefixes: readonly string[], target: Target): Decision {
  switch (target.operation) {
    case 'HeadBucket':
    case 'GetBucketLocation':
    case 'GetBucketVersioning':
      return ALLOWED;
    case 'CreateBucket':
    case 'DeleteBucket':
      return refuse('this key is bound to prefixes and may not create or delete buckets');
    case 'DeleteObjects':
      // Its keys stand in the body, which no policy has seen; one by one they can be judged.
      return refuse('this key is bound to prefixes and may delete objects one by one only');
    case 'ListObjects':
    case 'ListObjectsV2':
    case 'ListObjectVersions':
    case 'ListMultipartUploads': {
      const prefix = target.query.get('prefix') ?? '';
      return covers(prefixes, prefix) ? ALLOWED : refuse('this key may list under its own prefixes only');
    }
    default:
      if (!covers(prefixes, target.key)) return refuse('this key may use objects under its own prefixes only');
      return prefixes.some((prefix) => staysUnder(prefix, target.key))
        ? ALLOWED
        : refuse('this key is bound to prefixes and may not leave them by "." or ".." as a part of an object key');
  }
}

const covers = (prefixes: readonly string[], value: string): boolean =>
  prefixes.some((prefix) => value.startsWith(prefix));

const hasDotSegment = (key: string): boolean => /(^|[/\\])\.\.?([/\\]|$)/.test(key);

/** Also when its dots are folded, whether `\` parts segments as well or not and whether an empty segment counts or not. */
function staysUnder(prefix: string, key: string): boolean {
  if (!key.startsWith(prefix)) return false;
  if (!hasDotSegment(key)) return true;
  return [/\//, /[/\\]/].every((separator) => {
    const segments = key.split(separator);
    // The last piece of a prefix that ends within a segment is part of it: that segment must stay as well.
    const kept = prefix.split(separator);
    const endsSegment = kept.at(-1) === '';
    const wanted = endsSegment ? kept.length - 1 : kept.length;
    if (segments.slice(0, wanted).some((segment) => segment === '.' || segment === '..')) return false;
    let depth = 0;
    const stays = segments.slice(wanted).every((segment) => {
      if (segment === '..') depth -= 1;
      else if (segment !== '.' && segment !== '') depth += 1;
      return depth >= 0;
    });
    // What folds to `in` is not under `in/`.
    return stays && (depth > 0 || !endsSegment);
  });
}

const refuse = (message: string): Decision => ({ ok: false, code: 'AccessDenied', message });
