/**
 * A store whose writes begin only while the activity may write: asked when the write is asked for, and once more when its request
 * leaves, for in between it may wait, and the process be stopped. Reads pass; all requests end when the activity is cancelled.
 */
import type { Store, Writer } from '../stores/store.ts';
import type { HeartbeatGuard } from './heartbeat-guard.ts';

export function guardStore(store: Store, guard: HeartbeatGuard): Store {
  const { signal } = guard;
  const assertMayWrite = (): void => guard.assertMayWrite();
  const reader: Pick<Writer, 'signal'> = { signal };
  const writer: Writer = { signal, assertMayWrite };
  // What is added stands in front as well: of `{ ...request, signal }` V8 makes a hidden class for each single object, and whatever reads
  // those is slow.
  const toRead = <T extends object>(request: T) => ({ signal, ...request, ...reader });
  const toWrite = <T extends object>(request: T) => ({ signal, assertMayWrite, ...request, ...writer });
  const copy = store.copy?.bind(store);
  const grantRead = store.grantRead?.bind(store);
  const copyFrom = store.copyFrom?.bind(store);
  const copyPart = store.copyPart?.bind(store);
  const measureFirstPart = store.measureFirstPart?.bind(store);
  // No async function: each costs promises, and this one stands before every write.
  const write = <T>(begin: () => Promise<T>): Promise<T> => {
    try {
      guard.assertMayWrite();
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error('the activity has ended', { cause: error }));
    }
    return begin();
  };
  return {
    listBuckets: () => store.listBuckets(),
    headBucket: (bucket) => store.headBucket(bucket, signal),
    createBucket: (bucket) => write(() => store.createBucket(bucket)),
    deleteBucket: (bucket) => write(() => store.deleteBucket(bucket)),
    list: (request) => store.list(toRead(request)),
    head: (request) => store.head(toRead(request)),
    get: (request) => store.get(toRead(request)),
    put: (request, body) => write(() => store.put(toWrite(request), body)),
    ...(copy && { copy: (request) => write(() => copy(toWrite(request))) }),
    ...(grantRead && { grantRead: (place) => grantRead(toRead(place)) }),
    ...(copyFrom && { copyFrom: (request) => write(() => copyFrom(toWrite(request))) }),
    delete: (request) => write(() => store.delete(toWrite(request))),
    createUpload: (request) => write(() => store.createUpload(toWrite(request))),
    uploadPart: (upload, partNumber, body) => write(() => store.uploadPart(toWrite(upload), partNumber, body)),
    ...(copyPart && { copyPart: (request) => write(() => copyPart(toWrite(request))) }),
    ...(measureFirstPart && { measureFirstPart: (request) => measureFirstPart(toRead(request)) }),
    completeUpload: (upload, parts) => write(() => store.completeUpload(toWrite(upload), parts)),
    abortUpload: (upload) => write(() => store.abortUpload(toWrite(upload))),
    listParts: (upload) => store.listParts(toRead(upload)),
    listUploads: (request) => store.listUploads(toRead(request)),
    getTags: (request) => store.getTags(toRead(request)),
    putTags: (request, tags) => write(() => store.putTags(toWrite(request), tags)),
    close: () => store.close(),
  };
}
