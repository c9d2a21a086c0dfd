/**
 * How many keys a second one core reads from pages of a listing as S3 prints them: the scanner alone, with keys decoded and dates read,
 * and made into a page of descriptors; and the strict parser that unknown shapes fall back to. `node --import tsx bench/listing-scan.ts`
 */
import { selectPage, toKeyPage, type Source } from '../activities/list/source.ts';
import { toListPage } from '../stores/s3/list-objects.ts';
import { parseListAnswer } from '../stores/s3/list-parser.ts';
import { scanListAnswer } from '../stores/s3/list-scanner.ts';
import { createKeySpaces } from './listing-keys.ts';

const ROUNDS = 9;
const PAGES = 64;

function printPage(keys: readonly string[]): Buffer {
  const contents = keys.map((key, at) => {
    const hash = ((at + 1) * 2654435761) >>> 0;
    const etag = hash.toString(16).padStart(8, '0').repeat(4);
    const encoded = encodeURIComponent(key).replaceAll('%2F', '/');
    return `<Contents><Key>${encoded}</Key><LastModified>2026-03-${String((at % 27) + 1).padStart(2, '0')}T05:06:${String(hash % 60).padStart(2, '0')}.000Z</LastModified><ETag>&quot;${etag}&quot;</ETag><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType><Size>${String(hash % 1_000_000)}</Size><StorageClass>STANDARD</StorageClass></Contents>`;
  });
  return Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix></Prefix><KeyCount>${String(keys.length)}</KeyCount><MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextContinuationToken>abc</NextContinuationToken>${contents.join('')}</ListBucketResult>`,
  );
}

const pages = createKeySpaces(PAGES * 200).flatMap((space) =>
  Array.from({ length: Math.ceil(PAGES / 5) }, (_, page) =>
    printPage(Array.from({ length: 1000 }, (_, at) => space.keyAt((page * 1000 + at) % space.count)).sort()),
  ),
);
const source = {
  spec: { source: { store: 'a', bucket: 'bucket', prefix: '' } },
  passes: null,
} as unknown as Source;

function measure(name: string, read: (page: Buffer) => unknown, count = pages.length): void {
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const { user, system } = process.cpuUsage();
    for (const page of pages.slice(0, count)) read(page);
    const used = process.cpuUsage({ user, system });
    rates.push((count * 1000 * 1e6) / (used.user + used.system));
  }
  rates.sort((a, b) => a - b);
  const [median = 0, best = 0] = [rates[ROUNDS >> 1], rates.at(-1)];
  console.log(
    `${name.padEnd(58)} ${Math.round(median).toLocaleString('en').padStart(10)} keys/s of CPU (best ${Math.round(best).toLocaleString('en')})`,
  );
}

measure('the strict parser', (page) => parseListAnswer(page, {}), 16);
measure('the scanner', scanListAnswer);
measure('the scanner, keys decoded, dates read', (page) => toListPage(page, {}));
measure('and made into packed descriptors', (page) => {
  const listed = toListPage(page, {});
  toKeyPage(listed);
  return selectPage(source, listed, listed.columns?.count ?? 0);
});
