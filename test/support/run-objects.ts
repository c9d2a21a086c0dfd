/** Small inputs for tests of whole runs, and a look at what stands at a target. */
import type { DemoObject } from '../../dev/demo-input.ts';
import type { Store } from '../../stores/store.ts';

/** Objects of some hundred bytes under a prefix; the same list for the same count. */
export function listSmallObjects(prefix: string, count: number): DemoObject[] {
  return Array.from({ length: count }, (_, index) => ({
    key: `${prefix}part-${String(index).padStart(3, '0')}.json`,
    sizeBytes: 100 + index * 7,
    headers: { contentType: 'application/json', metadata: { index: String(index) } },
  }));
}

/** Every key under the prefix. */
export async function listKeys(store: Store, bucket: string, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  let token: string | undefined;
  do {
    const page = await store.list({ bucket, prefix, ...(token === undefined ? {} : { continuationToken: token }) });
    keys.push(...page.objects.map(({ key }) => key));
    token = page.nextContinuationToken;
  } while (token !== undefined);
  return keys;
}

/** A pipeline of `waybill.yaml` from `source` of store a to `target` of store b, each under a prefix of its own. */
export function buildPipeline(prefix: string, targetPrefix: string, options: Readonly<Record<string, unknown>> = {}) {
  return {
    source: { store: 'a', bucket: 'source', prefix },
    target: { store: 'b', bucket: 'target', prefix: targetPrefix },
    ...options,
  };
}

export const readBytes = async (store: Store, bucket: string, key: string): Promise<Buffer> => {
  const pieces: Uint8Array[] = [];
  for await (const piece of (await store.get({ bucket, key })).body) pieces.push(piece);
  return Buffer.concat(pieces);
};
