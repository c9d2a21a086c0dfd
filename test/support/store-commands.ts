/** Random operations on a store, for comparing two stores step by step. */
import fc from 'fast-check';
import type { ChecksumAlgorithm, ObjectChecksum } from '../../core/checksums.ts';
import { isPossibleType } from '../../stores/rules/upload-checksum.ts';
import type { Body, Store, UploadChecksum } from '../../stores/store.ts';
import { buildBytes, toBody, toChecksum, toMd5 } from './store-bytes.ts';
import { drain, inPieces } from './store-drain.ts';

/** Both sides: the store, and the upload ids that it gave out, by their order. */
export interface Side {
  store: Store;
  readonly uploadIds: string[];
}
export type Step = (side: Side) => Promise<unknown>;
export interface Command {
  readonly name: string;
  readonly run: Step | 'reopen';
}

const BUCKETS = ['one', 'one0', 'two'];
const bucket = fc.oneof({ weight: 5, arbitrary: fc.constant('one') }, fc.constantFrom(...BUCKETS));
const key = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom('a', 'a/b', 'a/c') },
  fc.constantFrom(
    'a',
    'a/',
    'a/b',
    'a/b/c',
    'a0',
    'A',
    '..',
    '\u{1F600}',
    '\uFFFD',
    '/',
    'caf\u00e9',
    'cafe\u0301',
    'a\0',
    'a\0b',
  ),
  fc.string({
    unit: fc.constantFrom('a', 'b', '/', '\u00fc', '\u{1F600}', '\0', '\uFFFF'),
    minLength: 1,
    maxLength: 4,
  }),
);
const bytes = fc
  .tuple(fc.constantFrom(0, 50, 16_384, 16_385, 40_000), fc.nat(1))
  .map(([sizeBytes, seed]) => buildBytes(sizeBytes, seed));
const tags = fc.dictionary(fc.constantFrom('x', 'y'), fc.constantFrom('1', '2'));
const headers = fc.record(
  {
    contentType: fc.constantFrom('a/b', 'c/d'),
    cacheControl: fc.constant('no-store'),
    metadata: fc.dictionary(fc.constantFrom('m', 'n'), fc.constantFrom('', 'v')),
  },
  { requiredKeys: ['metadata'] },
);
const condition = fc.oneof(
  { weight: 4, arbitrary: fc.constant({}) },
  fc.constant({ ifNoneMatch: '*' as const }),
  bytes.map((each) => ({ ifMatch: toMd5(each) })),
);
const upload = fc.nat(2);
const algorithm = fc.constantFrom<ChecksumAlgorithm>('CRC32', 'CRC32C', 'CRC64NVME', 'SHA256', 'XXHASH3');
const uploadChecksum = fc.option(
  fc
    .record<UploadChecksum>({ algorithm, type: fc.constantFrom('FULL_OBJECT', 'COMPOSITE') })
    // A few that are refused are enough.
    .map((each) =>
      isPossibleType(each.algorithm, each.type) ? { ...each } : { ...each, algorithm: 'CRC32' as const },
    ),
  { nil: undefined },
);
/** Whole or in pieces, with a checksum or without. */
const body = fc
  .tuple(bytes, fc.boolean(), fc.option(algorithm, { nil: undefined }))
  .map(([content, whole, brought]) => ({ content, whole, brought }));

async function buildBody({
  content,
  whole,
  brought,
}: typeof body extends fc.Arbitrary<infer T> ? T : never): Promise<Body> {
  const checksum: ObjectChecksum | undefined = brought && (await toChecksum(brought, content));
  const base = whole ? toBody(content) : { sizeBytes: content.length, content: () => inPieces(content, 9000) };
  return { ...base, ...(checksum && { checksum: () => checksum }) };
}

const command = (name: string, run: Step): Command => ({ name, run });
const uploadOf = (side: Side, place: { bucket: string; key: string }, which: number) => ({
  ...place,
  uploadId: side.uploadIds[which % Math.max(side.uploadIds.length, 1)] ?? 'none',
});

const kinds: fc.Arbitrary<Command>[] = [
  bucket.map((name) => command(`create ${name}`, ({ store }) => store.createBucket(name))),
  bucket.map((name) => command(`drop ${name}`, ({ store }) => store.deleteBucket(name))),
  fc
    .tuple(bucket, key, body, headers, tags, condition)
    .map(([b, k, content, h, t, when]) =>
      command(
        `put ${b} ${JSON.stringify(k)} ${String(content.content.length)} ${content.brought ?? ''} ${JSON.stringify(when)}`,
        async ({ store }) => store.put({ bucket: b, key: k, headers: h, tags: t, ...when }, await buildBody(content)),
      ),
    ),
  fc
    .tuple(bucket, key, fc.option(fc.oneof(fc.constant('*'), bytes.map(toMd5)), { nil: undefined, freq: 1 }))
    .map(([b, k, ifMatch]) =>
      command(`delete ${b} ${k} ${ifMatch ?? ''}`, ({ store }) =>
        store.delete({ bucket: b, key: k, ...(ifMatch === undefined ? {} : { ifMatch }) }),
      ),
    ),
  fc.tuple(bucket, key, fc.integer({ min: 1, max: 3 })).map(([b, k, partNumber]) =>
    command(`get part ${b} ${k} ${String(partNumber)}`, async ({ store }) => {
      const info = await store.head({ bucket: b, key: k, withParts: true });
      const { body: read, range } = await store.get({ bucket: b, key: k, partNumber });
      return { info, range, body: toMd5(await drain(read)) };
    }),
  ),
  fc.tuple(bucket, key, fc.option(fc.tuple(fc.nat(50_000), fc.nat(50_000)), { nil: undefined })).map(([b, k, span]) =>
    command(`get ${b} ${k}`, async ({ store }) => {
      const range = span === undefined ? {} : { range: { first: span[0], last: span[1] } };
      const { body, ...rest } = await store.get({ bucket: b, key: k, ...range });
      return { ...rest, body: toMd5(await drain(body)) };
    }),
  ),
  fc
    .tuple(bucket, key, tags)
    .map(([b, k, t]) => command(`tag ${b} ${k}`, ({ store }) => store.putTags({ bucket: b, key: k }, t))),
  fc.tuple(bucket, key).map(([b, k]) => command(`tags ${b} ${k}`, ({ store }) => store.getTags({ bucket: b, key: k }))),
  fc.tuple(bucket, fc.constantFrom('a', 'b'), headers, uploadChecksum).map(([b, k, h, checksum]) =>
    command(`begin ${b} ${k} ${JSON.stringify(checksum)}`, async ({ store, uploadIds }) => {
      const request = { bucket: b, key: k, headers: h, ...(checksum && { checksum }) };
      uploadIds.push((await store.createUpload(request)).uploadId);
    }),
  ),
  fc
    .tuple(bucket, fc.constantFrom('a', 'b'), upload, fc.integer({ min: 1, max: 2 }), body)
    .map(([b, k, u, n, content]) =>
      command(`part ${b} ${k} ${String(u)} ${String(n)}`, async (side) =>
        side.store.uploadPart(uploadOf(side, { bucket: b, key: k }, u), n, await buildBody(content)),
      ),
    ),
  fc
    .tuple(
      bucket,
      fc.constantFrom('a', 'b'),
      upload,
      condition,
      fc.option(fc.constant(50), { nil: undefined }),
      fc.boolean(),
    )
    .map(([b, k, u, when, sizeBytes, again]) =>
      command(`complete ${b} ${k} ${String(u)} ${String(sizeBytes)} ${again ? 'twice' : ''}`, async (side) => {
        const ref = uploadOf(side, { bucket: b, key: k }, u);
        const parts = (await side.store.listParts(ref)).slice(-1);
        const request = { ...ref, ...when, ...(sizeBytes === undefined ? {} : { sizeBytes }) };
        const first = await side.store.completeUpload(request, parts);
        return again ? [first, await side.store.completeUpload({ ...request, ifNoneMatch: '*' }, parts)] : first;
      }),
    ),
  fc
    .tuple(bucket, fc.constantFrom('a', 'b'), upload)
    .map(([b, k, u]) =>
      command(`abort ${b} ${k} ${String(u)}`, (side) =>
        side.store.abortUpload(uploadOf(side, { bucket: b, key: k }, u)),
      ),
    ),
  fc
    .tuple(
      bucket,
      fc.constantFrom('', 'a', 'a/'),
      fc.constantFrom('', '/', 'b'),
      fc.option(key, { nil: '' }),
      fc.integer({ min: 1, max: 4 }),
    )
    .map(([b, prefix, delimiter, startAfter, maxKeys]) =>
      command(
        `list ${b} ${prefix} ${delimiter} ${JSON.stringify(startAfter)} ${String(maxKeys)}`,
        async ({ store }) => {
          const first = await store.list({ bucket: b, prefix, delimiter, startAfter, maxKeys });
          const token = first.nextContinuationToken;
          const request = { bucket: b, prefix, delimiter, maxKeys };
          return [first, token === undefined ? null : await store.list({ ...request, continuationToken: token })];
        },
      ),
    ),
  fc.constant({ name: 'reopen', run: 'reopen' }),
];

export interface CommandOptions {
  readonly minLength: number;
  readonly maxLength: number;
}

/** Sequences that begin with a bucket, and put more often than anything else, so that there is something to meet. */
export const buildStoreCommands = ({ minLength, maxLength }: CommandOptions): fc.Arbitrary<Command[]> =>
  fc
    .array(fc.oneof(...kinds, ...Array.from({ length: 5 }, () => kinds[2] as fc.Arbitrary<Command>)), {
      minLength,
      maxLength,
      // Without it fast-check keeps to short sequences, in which nothing meets.
      size: 'max',
    })
    .map((commands) => [command('create one', ({ store }) => store.createBucket('one')), ...commands]);
