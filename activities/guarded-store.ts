/**
 * A store whose writes begin only while the activity may write: asked when the write is asked for, and once more when its request
 * leaves, for in between it may wait, and the process be stopped. Reads pass; all requests end when the activity is cancelled.
 */
import type { Store, Writer } from '../stores/store.ts';
import type { HeartbeatGuard } from './heartbeat-guard.ts';

export function guardStore(store: Store, guard: HeartbeatGuard): Store {
  const { signal } = guard;
  const writer: Writer = { signal, assertMayWrite: () => guard.assertMayWrite() };
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
    list: (request) => store.list({ ...request, signal }),
    head: (request) => store.head({ ...request, signal }),
    get: (request) => store.get({ ...request, signal }),
    put: (request, body) => write(() => store.put({ ...request, ...writer }, body)),
    ...(copy && { copy: (request) => write(() => copy({ ...request, ...writer })) }),
    ...(grantRead && { grantRead: (place) => grantRead({ ...place, signal }) }),
    ...(copyFrom && { copyFrom: (request) => write(() => copyFrom({ ...request, ...writer })) }),
    delete: (request) => write(() => store.delete({ ...request, ...writer })),
    createUpload: (request) => write(() => store.createUpload({ ...request, ...writer })),
    uploadPart: (upload, partNumber, body) => write(() => store.uploadPart({ ...upload, ...writer }, partNumber, body)),
    ...(copyPart && { copyPart: (request) => write(() => copyPart({ ...request, ...writer })) }),
    ...(measureFirstPart && { measureFirstPart: (request) => measureFirstPart({ ...request, signal }) }),
    completeUpload: (upload, parts) => write(() => store.completeUpload({ ...upload, ...writer }, parts)),
    abortUpload: (upload) => write(() => store.abortUpload({ ...upload, ...writer })),
    listParts: (upload) => store.listParts({ ...upload, signal }),
    listUploads: (request) => store.listUploads({ ...request, signal }),
    getTags: (request) => store.getTags({ ...request, signal }),
    putTags: (request, tags) => write(() => store.putTags({ ...request, ...writer }, tags)),
    close: () => store.close(),
  };
}
