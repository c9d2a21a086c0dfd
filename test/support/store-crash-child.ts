/**
 * A process that writes to a directory store until it is killed. It overwrites the same few keys with versions that tell
 * themselves apart, small and large, and completes uploads; it prints a line for each write that the store acknowledged.
 * Arguments: root.
 */
import { createFilesystemStore } from '../../stores/filesystem/create-filesystem-store.ts';
import { buildBytes, toBody } from './store-bytes.ts';
import { inPieces } from './store-drain.ts';

const root = process.argv[2] ?? '';
const store = await createFilesystemStore({ root, fsync: true });
await store.createBucket('crash').catch(() => undefined);

/** In pieces with turns between them, so that a kill falls into the middle of files. */
async function put(key: string, version: number, sizeBytes: number): Promise<void> {
  const bytes = buildBytes(sizeBytes, version);
  const request = { bucket: 'crash', key, headers: { metadata: { version: String(version) } } };
  await store.put(request, { sizeBytes, content: () => inPieces(bytes, 8192) });
  process.stdout.write(`${key} ${String(version)}\n`);
}

async function upload(key: string, version: number): Promise<void> {
  const place = { bucket: 'crash', key };
  const headers = { metadata: { version: String(version) } };
  const { uploadId } = await store.createUpload({ ...place, headers });
  const ref = { ...place, uploadId };
  const { etag } = await store.uploadPart(ref, 1, toBody(buildBytes(20_000, version)));
  await store.completeUpload(ref, [{ partNumber: 1, etag }]);
  process.stdout.write(`${key} ${String(version)}\n`);
}

async function repeat(write: (version: number) => Promise<void>): Promise<void> {
  for (let version = 1; ; version++) {
    await write(version);
  }
}

await Promise.all([
  repeat((version) => put('small', version, 700)),
  repeat((version) => put('large', version, 300_000)),
  repeat((version) => put('medium', version, 40_000)),
  repeat((version) => upload('upload', version)),
]);
