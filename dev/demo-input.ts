/** Real input for the demo and the tests: many small objects of mixed sizes, large ones, and every kind of awkward key. */
import { createHash } from 'node:crypto';
import type { Sha256Hex } from '../core/ids.ts';
import { MiB } from '../core/limits.ts';
import type { Body, ObjectHeaders, Store } from '../stores/store.ts';

export interface DemoObject {
  readonly key: string;
  readonly sizeBytes: number;
  readonly headers: ObjectHeaders;
  readonly tags?: Readonly<Record<string, string>>;
  /** Uploaded in parts of this size; otherwise by one PUT. */
  readonly partSizeBytes?: number;
}

const AWKWARD_KEYS = [
  'awkward/with space.txt',
  'awkward/100%.txt',
  'awkward/%2F is not a slash',
  'awkward/a+b=c&d.txt',
  'awkward/trailing slash/',
  'awkward/../not a parent',
  'awkward/./dot',
  'awkward//double//slash',
  'awkward/é as one character',
  'awkward/e\u0301 as two',
  'awkward/beyond the BMP \u{1F600} \u{10FFFF}',
  'awkward/private use \uE000 and \uFF5E',
  'awkward/quotes " and \' and <tags> & more',
  'awkward/back\\slash',
  'awkward/tab\there',
  'awkward/UPPER',
  'awkward/upper',
];
const CONTENT_TYPES = ['text/plain', 'application/json', 'image/png', 'application/octet-stream'];

/** The same list for the same count. */
export function listDemoObjects(smallObjects: number): DemoObject[] {
  const small = Array.from({ length: smallObjects }, (_, index): DemoObject => {
    const day = String((index % 28) + 1).padStart(2, '0');
    return {
      key: `orders/y=2026/m=07/d=${day}/part-${String(index).padStart(5, '0')}.json`,
      // 0 bytes to 48 KiB, most of them small, as they are in the field.
      sizeBytes: index % 97 === 0 ? 0 : (index * index * 37) % (index % 50 === 0 ? 49_152 : 2048),
      headers: {
        contentType: CONTENT_TYPES[index % CONTENT_TYPES.length] ?? 'text/plain',
        metadata: index % 3 === 0 ? { origin: `line ${index % 7}`, batch: String(index) } : {},
      },
      ...(index % 500 === 0 ? { tags: { tier: 'gold', index: String(index) } } : {}),
    };
  });
  const awkward = AWKWARD_KEYS.map((key, index) => ({
    key,
    sizeBytes: 100 + index,
    headers: { contentType: 'text/plain; charset=utf-8', cacheControl: 'max-age=60', metadata: { awkward: 'yes' } },
  }));
  const large: DemoObject[] = [
    {
      key: 'large/one-put.bin',
      sizeBytes: 9 * MiB + 1,
      headers: { contentType: 'application/x-one', metadata: { kind: 'single' } },
    },
    {
      key: 'large/in-parts.bin',
      sizeBytes: 20 * MiB + 12_345,
      headers: {
        contentType: 'application/x-parts',
        contentDisposition: 'attachment; filename="parts.bin"',
        metadata: { kind: 'multipart' },
      },
      partSizeBytes: 6 * MiB,
    },
  ];
  return [...small, ...awkward, ...large];
}

/** The bytes of an object, made from its key: the same wherever they are asked for. */
export function readDemoBytes(object: Pick<DemoObject, 'key' | 'sizeBytes'>): Buffer {
  const block = createHash('sha512').update(object.key).digest();
  const bytes = Buffer.allocUnsafe(object.sizeBytes);
  for (let offset = 0; offset < bytes.length; offset += block.length) {
    block.writeUInt32BE(offset >>> 0, 0);
    block.copy(bytes, offset);
  }
  return bytes;
}

export async function putDemoObjects(store: Store, bucket: string, objects: readonly DemoObject[]): Promise<void> {
  const queue = [...objects].reverse();
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (let object = queue.pop(); object !== undefined; object = queue.pop()) await putOne(store, bucket, object);
    }),
  );
}

async function putOne(store: Store, bucket: string, object: DemoObject): Promise<void> {
  const { key, headers, tags, partSizeBytes } = object;
  const request = { bucket, key, headers, ...(tags === undefined ? {} : { tags }) };
  const bytes = readDemoBytes(object);
  if (partSizeBytes === undefined) {
    await store.put(request, toBody(bytes));
    return;
  }
  const { uploadId } = await store.createUpload(request);
  const upload = { bucket, key, uploadId };
  const parts: { partNumber: number; etag: string }[] = [];
  for (let offset = 0; offset < bytes.length; offset += partSizeBytes) {
    const partNumber = parts.length + 1;
    const { etag } = await store.uploadPart(upload, partNumber, toBody(bytes.subarray(offset, offset + partSizeBytes)));
    parts.push({ partNumber, etag });
  }
  await store.completeUpload(upload, parts);
}

function toBody(bytes: Uint8Array): Body {
  const sha256 = createHash('sha256').update(bytes).digest('hex') as Sha256Hex;
  return { sizeBytes: bytes.length, sha256, content: bytes };
}
