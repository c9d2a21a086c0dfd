/** The golden vectors of `etl/manifest/v1`, byte for byte; the expected hash is also taken over the expected text. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { compareDescriptors } from '../../manifest/descriptor.ts';
import type { Descriptor } from '../../manifest/descriptor.ts';
import { ManifestDigest } from '../../manifest/digest.ts';
import { normaliseEtag } from '../../manifest/normalise-etag.ts';
import { parseManifest } from '../../manifest/parse-manifest.ts';
import { printDescriptor } from '../../manifest/print-descriptor.ts';
import { printManifest } from '../../manifest/print-manifest.ts';

interface VectorCase {
  name: string;
  note: string;
  run_id: string;
  input: { bucket: string; key: string; size: number; etag: string; version_id?: string }[];
  canonical_json: string;
  bytes: number;
  sha256: string;
}

const path = new URL('../vectors/manifest.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(path, 'utf8')) as { cases: VectorCase[] };

test('there are vectors to check', () => {
  assert.ok(cases.length >= 11);
});

for (const vector of cases) {
  test(`vector ${vector.name}: ${vector.note}`, async () => {
    const objects = vector.input
      .map(({ bucket, key, size, etag, version_id: versionId }): Descriptor => ({
        bucket,
        key,
        sizeBytes: size,
        etag: normaliseEtag(etag),
        ...(versionId === undefined ? {} : { versionId }),
      }))
      .sort(compareDescriptors);
    const bodies = objects.map((object) => Buffer.from(printDescriptor(object)));

    const printed: Uint8Array[] = [];
    for await (const bytes of printManifest(vector.run_id, stream(bodies))) printed.push(bytes);
    const bytes = Buffer.concat(printed);
    assert.equal(bytes.toString('utf8'), vector.canonical_json);
    assert.equal(bytes.length, vector.bytes);

    const digest = new ManifestDigest(vector.run_id);
    for (const body of bodies) digest.addBody(body);
    const { hash, contentHash, manifestBytes } = digest.finish();
    assert.equal(hash, vector.sha256);
    assert.equal(hash, createHash('sha256').update(vector.canonical_json).digest('hex'));
    assert.equal(manifestBytes, vector.bytes);
    const array = vector.canonical_json.slice('{"objects":'.length, vector.canonical_json.lastIndexOf(',"run_id":'));
    assert.equal(contentHash, createHash('sha256').update(array).digest('hex'));

    assert.deepEqual(parseManifest(bytes), { runId: vector.run_id, objects });
  });
}

async function* stream<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}
