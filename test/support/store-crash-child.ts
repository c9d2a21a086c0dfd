/**
 * A process that writes to a directory store until it is killed. It overwrites the same few keys with versions that tell
 * themselves apart, small and large, completes uploads, and deletes; it prints a line for each write that the store acknowledged.
 * Arguments: root, then optionally the number of the step at which it kills itself. A step is the moment before or after a call that makes
 * bytes durable or takes them away.
 */
import { createFilesystemStore } from '../../stores/filesystem/create-filesystem-store.ts';
import { createObservedGround } from './observed-ground.ts';
import { buildBytes, toBody } from './store-bytes.ts';
import { inPieces } from './store-drain.ts';

const root = process.argv[2] ?? '';
const killAt = process.argv[3] === undefined ? Infinity : Number(process.argv[3]);

/** Where each key goes on: the process before may have written it. */
let steps = 0;
const step = (): void => {
  steps += 1;
  if (steps === killAt) {
    process.kill(process.pid, 'SIGKILL');
  }
};
const ground = createObservedGround({ before: step, after: step });
const store = await createFilesystemStore({ root, fsync: true }, ground);
await store.createBucket('crash').catch(() => undefined);

async function versionOf(key: string): Promise<number> {
  const info = await store.head({ bucket: 'crash', key }).catch(() => undefined);
  return Number(info?.metadata['version'] ?? 0);
}

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

/** Every other version is a deletion. */
async function putOrDelete(key: string, version: number): Promise<void> {
  if (version % 2 === 1) {
    await put(key, version, 30_000);
  } else {
    await store.delete({ bucket: 'crash', key });
    process.stdout.write(`${key} ${String(version)}\n`);
  }
}

async function repeat(key: string, write: (version: number) => Promise<void>): Promise<void> {
  // A deleted key is at an even version; which one does not matter, since the next is odd and has bytes.
  for (let version = (await versionOf(key)) + 1; ; version++) {
    await write(version);
  }
}

await Promise.all([
  repeat('small', (version) => put('small', version, 700)),
  repeat('large', (version) => put('large', version, 300_000)),
  repeat('medium', (version) => put('medium', version, 40_000)),
  repeat('upload', (version) => upload('upload', version)),
  repeat('deleted', (version) => putOrDelete('deleted', version)),
]);
