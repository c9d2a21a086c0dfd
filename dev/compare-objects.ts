/** Compares what stands at a target with what was put at the source: every byte, content header, metadata entry and tag. */
import type { ObjectInfo, Store } from '../stores/store.ts';
import { readDemoBytes, type DemoObject } from './demo-input.ts';

/** What is different, a line each; empty when nothing is. */
export async function compareObjects(
  store: Store,
  bucket: string,
  objects: readonly DemoObject[],
  toTargetKey: (key: string) => string,
): Promise<string[]> {
  const differences: string[] = [];
  const queue = [...objects];
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (let object = queue.pop(); object !== undefined; object = queue.pop()) {
        const difference = await compareOne(store, bucket, object, toTargetKey(object.key));
        if (difference !== null) differences.push(`${JSON.stringify(object.key)}: ${difference}`);
      }
    }),
  );
  return differences;
}

async function compareOne(store: Store, bucket: string, object: DemoObject, key: string): Promise<string | null> {
  const got = await store.get({ bucket, key }).catch((error: unknown) => String(error));
  if (typeof got === 'string') return got;
  const pieces: Uint8Array[] = [];
  for await (const piece of got.body) pieces.push(piece);
  if (!Buffer.concat(pieces).equals(readDemoBytes(object))) return 'other bytes';
  const headers = compareHeaders(got.info, object);
  if (headers !== null) return headers;
  if (object.tags === undefined) return null;
  const tags = await store.getTags({ bucket, key });
  return JSON.stringify(sorted(tags)) === JSON.stringify(sorted(object.tags)) ? null : `tags ${JSON.stringify(tags)}`;
}

function compareHeaders(info: ObjectInfo, object: DemoObject): string | null {
  const { metadata: wantedMetadata, ...wanted } = object.headers;
  for (const [name, value] of Object.entries(wanted)) {
    const found = info[name as keyof ObjectInfo];
    if (found !== value) return `${name} is ${JSON.stringify(found)} and not ${JSON.stringify(value)}`;
  }
  // A multipart upload may carry the MD5 of the whole beside what the source says.
  const { md5: _md5, ...metadata } = info.metadata;
  const { md5: _wantedMd5, ...expected } = wantedMetadata;
  return JSON.stringify(sorted(metadata)) === JSON.stringify(sorted(expected))
    ? null
    : `metadata ${JSON.stringify(metadata)}`;
}

const sorted = (record: Readonly<Record<string, string>>): [string, string][] =>
  Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
