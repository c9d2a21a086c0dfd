/**
 * How long a page of 1,000 takes in a directory store with 1,000,000 keys, and what that costs in memory. The records are written into
 * the index as a PUT would, in batches and without bytes; then the store is opened anew, so nothing is warm that a server's is not.
 * `node --import tsx bench/store-listing.ts [KEYS] [ROUNDS]`. Prints the median and the longest of the rounds of each kind of page.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ETag } from '../core/ids.ts';
import { createFilesystemStore } from '../stores/filesystem/create-filesystem-store.ts';
import { objectKey } from '../stores/filesystem/index-keys.ts';
import { ObjectIndex } from '../stores/filesystem/object-index.ts';
import { printObjectRecord } from '../stores/filesystem/records.ts';
import type { ListPage, ListRequest } from '../stores/store.ts';
import { readArguments, takeAtMost, toCount } from './run/arguments.ts';

const { keys, rounds } = readArguments('node --import tsx bench/store-listing.ts [KEYS] [ROUNDS]', (args) => {
  const [keysText = '1000000', roundsText = '15'] = takeAtMost(args, 2);
  return { keys: toCount('KEYS', keysText), rounds: toCount('ROUNDS', roundsText) };
});
const BATCH = 2000;

/** `flat/` folders of 250 each, `few/` three folders, `wide/` one key a folder: a quarter, a half, a quarter of the keys. */
function toKey(ordinal: number): string {
  const digits = String(ordinal).padStart(7, '0');
  const name = `${createHash('md5').update(digits).digest('hex').slice(0, 12)}-${digits}.parquet`;
  switch (ordinal % 4) {
    case 0:
      return `flat/${digits.slice(0, 4)}/${name}`;
    case 1:
      return `wide/${digits}/${name}`;
    default:
      return `few/${String(ordinal % 3)}/${name}`;
  }
}

async function fill(root: string): Promise<void> {
  const store = await createFilesystemStore({ root, fsync: false });
  await store.createBucket('bench');
  await store.close();
  const index = await ObjectIndex.open(join(root, 'index'));
  for (let first = 0; first < keys; first += BATCH) {
    const changes = Array.from({ length: Math.min(BATCH, keys - first) }, (_, offset) => {
      const ordinal = first + offset;
      const etag = createHash('md5').update(String(ordinal)).digest('hex') as ETag;
      const value = Buffer.from(etag.slice(0, 16), 'hex').toString('base64');
      const record = printObjectRecord({
        sizeBytes: ordinal,
        etag,
        modifiedMs: 1_760_000_000_000 + ordinal * 1000,
        data: { kind: 'inline', id: etag.slice(0, 22) },
        checksum: { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', value },
        headers: { contentType: 'application/octet-stream' },
        metadata: {},
        tags: {},
      });
      return { key: objectKey('bench', toKey(ordinal)), value: record };
    });
    await index.write(changes, false);
  }
  await index.close();
}

const root = await mkdtemp(join(tmpdir(), 'waybill-bench-'));
try {
  const filling = performance.now();
  await fill(root);
  console.log(`filled with ${String(keys)} keys in ${((performance.now() - filling) / 1000).toFixed(1)} s`);
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  const opening = performance.now();
  const store = await createFilesystemStore({ root, fsync: false });
  console.log(`opened in ${(performance.now() - opening).toFixed(0)} ms`);

  const measure = async (name: string, toRequest: (round: number) => Partial<ListRequest>): Promise<void> => {
    const times: number[] = [];
    let page: ListPage | undefined;
    for (let round = 0; round < rounds; round++) {
      const request = { bucket: 'bench', ...toRequest(round) };
      const start = performance.now();
      page = await store.list(request);
      times.push(performance.now() - start);
    }
    const first = times[0] ?? 0;
    times.sort((a, b) => a - b);
    const [median = 0, longest = 0] = [times[Math.floor(times.length / 2)], times.at(-1)];
    const size = `${String(page?.objects.length)} + ${String(page?.commonPrefixes.length)}`;
    console.log(
      `${name.padEnd(62)} ${size.padStart(12)}  first ${first.toFixed(1).padStart(6)}  median ${median.toFixed(1).padStart(6)}  longest ${longest.toFixed(1).padStart(6)} ms`,
    );
  };
  const at = (share: number, round: number): string => String(Math.floor(keys * share) + round * 997).padStart(7, '0');

  await measure('flat, from the start', () => ({}));
  await measure('flat, in the middle of few/', (round) => ({ startAfter: `few/1/${(round * 17 + 16).toString(16)}` }));
  await measure('flat, in the middle of flat/', (round) => ({ startAfter: `flat/${at(0.5, round).slice(0, 4)}/` }));
  await measure('flat, the end of the bucket', (round) => ({ startAfter: `wide/${at(0.98, round)}` }));
  await measure('prefix of one folder', (round) => ({ prefix: `flat/${at(0.3, round).slice(0, 4)}/` }));
  await measure('prefix and delimiter, one folder of objects', (round) => ({
    prefix: `flat/${at(0.3, round).slice(0, 4)}/`,
    delimiter: '/',
  }));
  await measure('delimiter over all keys: three common prefixes', () => ({ delimiter: '/' }));
  await measure('delimiter over half a million keys under three prefixes', () => ({ delimiter: '/', prefix: 'few/' }));
  await measure('delimiter: 1,000 prefixes of 250 keys each', () => ({ delimiter: '/', prefix: 'flat/' }));
  await measure('delimiter: 1,000 prefixes of one key each, in the middle', (round) => ({
    delimiter: '/',
    prefix: 'wide/',
    startAfter: `wide/${at(0.4, round)}`,
  }));
  await measure('a delimiter that alternates objects and prefixes', (round) => ({
    delimiter: '7',
    prefix: 'few/1/',
    startAfter: `few/1/${(round * 17 + 16).toString(16)}`,
  }));
  let count = 0;
  const whole = performance.now();
  let token: string | undefined;
  do {
    const page: ListPage = await store.list({ bucket: 'bench', ...(token && { continuationToken: token }) });
    count += page.objects.length;
    token = page.nextContinuationToken;
  } while (token !== undefined);
  const took = (performance.now() - whole) / 1000;
  console.log(`whole listing: ${String(count)} keys in ${took.toFixed(1)} s`);
  const { rss } = process.memoryUsage();
  console.log(
    `RSS ${(rss / 2 ** 20).toFixed(0)} MiB, ${((rss - before) / 2 ** 20).toFixed(0)} more than before opening`,
  );
  console.log(`peak RSS ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB, the filling included`);
  await store.close();
} finally {
  await rm(root, { recursive: true, force: true });
}
