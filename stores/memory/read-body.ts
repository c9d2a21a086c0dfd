/** Reads a body into memory. */
import { BodyCheck, toChunks } from '../rules/body-check.ts';
import type { CheckedBody } from '../rules/body-check.ts';
import { toFullChecksum } from '../rules/body-checksum.ts';
import type { ChecksumRule } from '../rules/body-checksum.ts';
import { computeChecksum } from '../rules/checksum-hash.ts';
import type { Body } from '../store.ts';

export interface ReadBody extends CheckedBody {
  readonly bytes: Uint8Array;
  readonly kept: NonNullable<CheckedBody['kept']>;
}

/** The bytes of a body that kept its promises, copied. @throws body_corrupt; store_refused with s3Code InvalidRequest */
export async function readBody(body: Body, rule: ChecksumRule, signal?: AbortSignal): Promise<ReadBody> {
  const check = await BodyCheck.open(body, rule);
  try {
    const chunks: Uint8Array[] = [];
    for await (const chunk of toChunks(body, signal)) {
      check.update(chunk);
      chunks.push(chunk.slice());
    }
    const bytes = Buffer.concat(chunks);
    const { etag, kept, beside } = check.finish();
    const { algorithm } = rule;
    return { bytes, etag, kept: kept ?? toFullChecksum(algorithm, await computeChecksum(algorithm, bytes)), beside };
  } finally {
    check.close();
  }
}
