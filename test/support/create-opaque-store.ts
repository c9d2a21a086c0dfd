/** A store whose ETags say nothing of the bytes and differ with every write, as with SSE-KMS; for the rest, the store behind it. */
import { randomBytes } from 'node:crypto';
import type { ETag } from '../../core/ids.ts';
import type { ObjectInfo, Store } from '../../stores/store.ts';

export function createOpaqueStore(store: Store): Store {
  /** What is said outside, by what the store says; and back. */
  const current = new Map<string, { real: string; said: ETag }>();
  const parts = new Map<string, string>();
  const place = (request: { bucket: string; key: string }): string => `${request.bucket}/${request.key}`;
  const create = (): ETag => randomBytes(16).toString('hex') as ETag;
  const written = (request: { bucket: string; key: string }, real: string): { etag: ETag } => {
    const said = create();
    current.set(place(request), { real, said });
    return { etag: said };
  };
  const toReal = <T extends { bucket: string; key: string; ifMatch?: string }>(request: T): T => {
    const known = current.get(place(request));
    return request.ifMatch === undefined
      ? request
      : { ...request, ifMatch: known?.said === request.ifMatch ? known.real : 'another' };
  };
  const toSaid = (request: { bucket: string; key: string }, info: ObjectInfo): ObjectInfo => ({
    ...info,
    etag: current.get(place(request))?.said ?? info.etag,
    etagIsContentHash: false,
  });
  return {
    ...store,
    async list(request) {
      const page = await store.list(request);
      const objects = page.objects.map((object) => ({
        ...object,
        etag: current.get(place({ bucket: request.bucket, key: object.key }))?.said ?? object.etag,
      }));
      return { ...page, objects };
    },
    head: async (request) => toSaid(request, await store.head(toReal(request))),
    async get(request) {
      const got = await store.get(toReal(request));
      return { ...got, info: toSaid(request, got.info) };
    },
    put: async (request, body) => written(request, (await store.put(toReal(request), body)).etag),
    async uploadPart(upload, partNumber, body) {
      const said = create();
      parts.set(said, (await store.uploadPart(upload, partNumber, body)).etag);
      return { etag: said };
    },
    async listParts(upload) {
      const held = await store.listParts(upload);
      return held.map((part) => ({
        ...part,
        etag: ([...parts].findLast(([, real]) => real === part.etag)?.[0] ?? part.etag) as ETag,
      }));
    },
    async completeUpload(upload, list) {
      const real = list.map((part) => ({ ...part, etag: parts.get(part.etag) ?? part.etag }));
      return written(upload, (await store.completeUpload(toReal(upload), real)).etag);
    },
  };
}
