/** What makes a target the same target: where it is, how keys map to it, how its objects are encrypted and what travels with them. */
import { createHash } from 'node:crypto';
import type { Sha256Hex } from '../core/ids.ts';
import type { PipelineSpec } from '../core/pipeline.ts';

/** The source prefix belongs to the key mapping: it is what a target key is cut from. */
export function toTargetFingerprint(spec: PipelineSpec): Sha256Hex {
  const { target } = spec;
  const facts = [
    ['location', target.store, target.bucket, target.prefix],
    ['key mapping', 'prefix', spec.source.prefix],
    ['encryption', target.encryption?.algorithm ?? null, target.encryption?.kmsKeyId ?? null],
    ['metadata', 'all', spec.tags ? 'tags' : 'no tags'],
  ];
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex') as Sha256Hex;
}
