/**
 * Valid requests with damaged bytes, over sockets to a running store: whatever comes is answered or closed, never with a 5xx but
 * 501, never without end; and the store goes on serving what was there before.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { SIGNED_TRAILER, UNSIGNED_TRAILER, signChunked } from './chunked-body.ts';
import { forge, forgePresigned } from './forge-request.ts';
import { damage } from './fuzz-targets.ts';
import { RawConnection } from './raw-connection.ts';
import type { StartedStore } from './start-store.ts';

const TRAILER = ['x-amz-checksum-crc32', 'DUoRhQ=='] as const;
const DELETE = '<Delete><Object><Key>a</Key></Object></Delete>';
const COMPLETE = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${'a'.repeat(32)}</ETag></Part></CompleteMultipartUpload>`;

function chunked(
  port: number,
  credentials: StartedStore['credentials'],
  mode: typeof SIGNED_TRAILER | typeof UNSIGNED_TRAILER,
): Buffer {
  const plan = { mode, chunks: [Buffer.from('hello world')], trailer: TRAILER };
  const { headers, body } = signChunked({ port, credentials, region: 'us-east-1' }, plan);
  const head = `PUT /bucket/key HTTP/1.1\r\n${headers.map(([n, v]) => `${n}: ${v}\r\n`).join('')}\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), body]);
}

const VALID: readonly ((store: StartedStore) => Buffer)[] = [
  ({ port }) => forge(port, { path: '/kept/seed' }),
  ({ port }) =>
    forge(port, {
      path: '/kept/seed',
      headers: [
        ['Range', 'bytes=0-1'],
        ['If-Match', '*'],
      ],
    }),
  ({ port }) => forge(port, { path: '/kept', query: 'encoding-type=url&list-type=2&max-keys=2&prefix=s' }),
  ({ port }) =>
    forge(port, {
      method: 'PUT',
      body: 'payload',
      headers: [
        ['Content-Type', 'a/b'],
        ['x-amz-meta-a', 'b'],
      ],
    }),
  ({ port }) => forge(port, { method: 'PUT', body: 'payload', payloadHash: 'UNSIGNED-PAYLOAD' }),
  ({ port }) => forge(port, { method: 'PUT', headers: [['x-amz-copy-source', 'kept/seed']] }),
  ({ port }) => forge(port, { method: 'PUT', query: 'tagging=', body: '<Tagging><TagSet/></Tagging>' }),
  ({ port }) =>
    forge(port, {
      method: 'POST',
      path: '/bucket',
      query: 'delete=',
      body: DELETE,
      payloadHash: 'UNSIGNED-PAYLOAD',
      headers: [['x-amz-checksum-crc32', 'AAAAAA==']],
    }),
  ({ port }) => forge(port, { method: 'POST', query: 'uploadId=a', body: COMPLETE, payloadHash: 'UNSIGNED-PAYLOAD' }),
  ({ port }) => forge(port, { method: 'POST', query: 'uploads=' }),
  ({ port }) => forgePresigned(port, { path: '/kept/seed' }),
  ({ port }) => forgePresigned(port, { method: 'PUT', body: 'payload' }),
  ({ port, credentials }) => chunked(port, credentials, SIGNED_TRAILER),
  ({ port, credentials }) => chunked(port, credentials, UNSIGNED_TRAILER),
];

export interface DamagedRequest {
  readonly which: number;
  readonly edits: readonly (readonly [number, number, number])[];
}

export const damagedRequest: fc.Arbitrary<DamagedRequest> = fc.record({
  which: fc.nat({ max: VALID.length - 1 }),
  edits: fc.array(fc.tuple(fc.nat({ max: 4096 }), fc.nat({ max: 4 }), fc.nat({ max: 255 })), { maxLength: 3 }),
});

/** @throws for a 5xx, for no end within ten seconds, and for a store that does not serve afterwards */
export async function askDamaged(store: StartedStore, { which, edits }: DamagedRequest): Promise<void> {
  const make = VALID[which] as (typeof VALID)[number];
  const text = edits.reduce(damage, make(store).toString('latin1'));
  const logged = store.logged.length;
  const connection = await RawConnection.open(store.port);
  try {
    connection.write(Buffer.from(text, 'latin1'));
    connection.end();
    for (;;) {
      const answer = await connection.read(/^\s*HEAD /.test(text));
      if (answer === null) break;
      assert.ok(answer.status < 500 || answer.status === 501, `${answer.head}${answer.text}\n${JSON.stringify(text)}`);
    }
  } finally {
    connection.destroy();
  }
  assert.deepEqual(store.logged.slice(logged), [], JSON.stringify(text));
}

export async function askHonestly(store: StartedStore): Promise<void> {
  const connection = await RawConnection.open(store.port);
  connection.write(forge(store.port, { path: '/kept/seed', unsignedHeaders: [['Connection', 'close']] }));
  const answer = await connection.read();
  connection.destroy();
  assert.deepEqual([answer?.status, answer?.text], [200, 'seed']);
}

export async function putSeed({ store }: StartedStore): Promise<void> {
  const body = { sizeBytes: 4, content: new Uint8Array(Buffer.from('seed')) };
  await store.put({ bucket: 'kept', key: 'seed', headers: { metadata: {} } }, body);
}
