/**
 * The operations of the matrix. Each looks past the endpoint at what is in the store, or at the bytes that came back: that a command
 * ended well proves nothing.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import https from 'node:https';
import http from 'node:http';
import path from 'node:path';
import { isWaybillError } from '../../core/failures.ts';
import type { ObjectInfo } from '../../stores/store.ts';
import type { Attributes, Client, ClientOperation, ClientSession, Told } from './client.ts';
import type { Endpoint } from './endpoints.ts';

export interface Scene {
  readonly client: Client;
  readonly session: ClientSession;
  readonly endpoint: Endpoint;
  readonly scratch: string;
  /** Keys of this client alone start with it. */
  readonly prefix: string;
}

export interface Operation {
  readonly name: string;
  readonly needs: readonly ClientOperation[];
  run(scene: Scene): Promise<void>;
}

const MULTIPART_BYTES = 11 * 1024 * 1024 + 7;
const ATTRIBUTES: Attributes = { contentType: 'text/x-waybill', metadata: { colour: 'blue', 'two-words': 'a b' } };
const TRICKY = "dir a+b/é (1)&='~.bin";
const LISTED_KEYS = [
  ...Array.from({ length: 1005 }, (_, index) => `many/k${String(index).padStart(4, '0')}`),
  'many/sub/one',
  'many/sub/two/three',
  `many/ü +&<>'",;=@$!`,
];

export const OPERATIONS: readonly Operation[] = [
  {
    name: 'put',
    needs: ['put'],
    run: async (scene) => {
      for (const [name, sizeBytes] of [
        [`put/${TRICKY}`, 300_000],
        ['put/small', 11],
        ['put/empty', 0],
      ] as const) {
        const { file, bytes } = await createFile(scene, sizeBytes);
        await scene.session.put(scene.prefix + name, file, ATTRIBUTES);
        await checkStored(scene, name, bytes);
      }
    },
  },
  {
    name: 'get',
    needs: ['get'],
    run: async (scene) => {
      for (const [name, sizeBytes] of [
        [`get/${TRICKY}`, 300_000],
        ['get/small', 11],
      ] as const) {
        const bytes = await seed(scene, name, sizeBytes);
        await checkGet(scene, name, bytes);
      }
      // rclone takes what is not there for an empty directory, and succeeds with nothing; whoever fails may leave anything.
      const absent = path.join(scene.scratch, 'absent');
      const isFailed = await scene.session.get(`${scene.prefix}get/absent`, absent).then(
        () => false,
        () => true,
      );
      assert.ok(isFailed || !existsSync(absent), 'nothing comes of what is not there');
    },
  },
  {
    name: 'head',
    needs: ['head'],
    run: async (scene) => {
      const bytes = await seed(scene, `head/${TRICKY}`, 300_000);
      const told = await scene.session.head(`${scene.prefix}head/${TRICKY}`);
      assert.equal(told.sizeBytes, bytes.length);
      checkTold(told, ATTRIBUTES, md5(bytes));
    },
  },
  {
    name: 'list',
    needs: ['list'],
    run: async (scene) => {
      const { store, bucket } = scene.endpoint;
      for (const key of LISTED_KEYS) {
        const content = Buffer.from(key);
        await store.put(
          { bucket, key: scene.prefix + key, headers: { metadata: {} } },
          { sizeBytes: content.length, content },
        );
      }
      const keys = await scene.session.list(`${scene.prefix}many/`);
      assert.deepEqual([...keys].sort(), LISTED_KEYS.map((key) => scene.prefix + key).sort());
    },
  },
  {
    name: 'multipart',
    needs: ['putMultipart', 'get'],
    run: async (scene) => {
      const { file, bytes } = await createFile(scene, MULTIPART_BYTES);
      await scene.session.putMultipart(`${scene.prefix}parts/large`, file, ATTRIBUTES);
      const info = await checkStored(scene, 'parts/large', bytes);
      assert.match(info.etag, /^[0-9a-f]{32}-[234]$/);
      await checkGet(scene, 'parts/large', bytes);
    },
  },
  {
    name: 'copy',
    needs: ['copy'],
    run: async (scene) => {
      const bytes = await seed(scene, `copy/${TRICKY}`, 300_000);
      scene.endpoint.reset();
      await scene.session.copy(`${scene.prefix}copy/${TRICKY}`, `${scene.prefix}copy/to ${TRICKY}`);
      await checkStored(scene, `copy/to ${TRICKY}`, bytes);
      const asked = scene.endpoint.records().map(({ operation }) => operation);
      assert.ok(
        asked.includes('CopyObject') && !asked.includes('GetObject'),
        `copied by the store: ${asked.join(' ')}`,
      );
    },
  },
  {
    name: 'delete',
    needs: ['delete'],
    run: async (scene) => {
      const names = [`delete/${TRICKY}`, 'delete/one', 'delete/two'];
      for (const name of [...names, 'delete/kept']) await seed(scene, name, 100);
      await scene.session.delete(names.map((name) => scene.prefix + name));
      for (const name of names) assert.equal(await isStored(scene, name), false, name);
      assert.equal(await isStored(scene, 'delete/kept'), true);
    },
  },
  {
    name: 'presign',
    needs: ['presignGet'],
    run: async (scene) => {
      const bytes = await seed(scene, `presign/${TRICKY}`, 300_000);
      const url = await scene.session.presignGet(`${scene.prefix}presign/${TRICKY}`);
      assert.match(url, /X-Amz-Signature=/i);
      const got = await fetchUrl(scene, 'GET', url);
      assert.deepEqual([got.status, sha256(got.bytes)], [200, sha256(bytes)]);
      assert.equal(got.headers['content-type'], ATTRIBUTES.contentType);
      assert.equal(got.headers['x-amz-meta-colour'], 'blue');
      const tampered = await fetchUrl(scene, 'GET', url.replace('presign', 'tampered'));
      assert.equal(tampered.status, 403);
      if (scene.client.lacks.includes('presignPut')) return;
      const sent = randomBytes(5000);
      const put = await fetchUrl(scene, 'PUT', await scene.session.presignPut(`${scene.prefix}presign/put`), sent);
      assert.equal(put.status, 200, put.bytes.toString());
      const { body } = await scene.endpoint.store.get({
        bucket: scene.endpoint.bucket,
        key: `${scene.prefix}presign/put`,
      });
      assert.equal(await sha256Of(body), sha256(sent));
    },
  },
  {
    name: 'metadata',
    needs: ['put', 'head'],
    run: async (scene) => {
      const metadata = { 'x-one': '1', punctuation: `a=b; c:"d" (e) ~%2F+`, long: 'x'.repeat(900) };
      const attributes: Attributes = { contentType: 'application/vnd.waybill+json; charset=utf-8', metadata };
      const { file, bytes } = await createFile(scene, 100);
      await scene.session.put(`${scene.prefix}metadata`, file, attributes);
      await checkStored(scene, 'metadata', bytes, attributes);
      checkTold(await scene.session.head(`${scene.prefix}metadata`), attributes, md5(bytes));
    },
  },
];

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

async function sha256Of(body: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of body) hash.update(chunk);
  return hash.digest('hex');
}

async function createFile(scene: Scene, sizeBytes: number): Promise<{ file: string; bytes: Buffer }> {
  const bytes = randomBytes(sizeBytes);
  const file = path.join(scene.scratch, `from-${String(sizeBytes)}`);
  await writeFile(file, bytes);
  return { file, bytes };
}

/** Puts an object past the endpoint. */
async function seed(scene: Scene, name: string, sizeBytes: number): Promise<Buffer> {
  const content = randomBytes(sizeBytes);
  const { store, bucket } = scene.endpoint;
  await store.put({ bucket, key: scene.prefix + name, headers: ATTRIBUTES }, { sizeBytes, content });
  return content;
}

async function checkStored(
  { endpoint, prefix, client }: Scene,
  name: string,
  bytes: Buffer,
  attributes: Attributes = ATTRIBUTES,
): Promise<ObjectInfo> {
  const { info, body } = await endpoint.store.get({ bucket: endpoint.bucket, key: prefix + name });
  assert.equal(await sha256Of(body), sha256(bytes), `the bytes of ${name}`);
  assert.equal(info.contentType, attributes.contentType, `the content type of ${name}`);
  assert.equal(info.contentEncoding, undefined, `the encoding of ${name}`);
  if (client.withoutMetadata !== true || name.startsWith('copy/')) {
    // A client may add some of its own, such as the time of the file.
    for (const [one, value] of Object.entries(attributes.metadata)) {
      assert.equal(info.metadata[one], value, `the metadata ${one} of ${name}`);
    }
  }
  return info;
}

async function checkGet({ session, scratch, prefix }: Scene, name: string, bytes: Buffer): Promise<void> {
  const file = path.join(scratch, 'to');
  await writeFile(file, 'what was there before');
  const told = await session.get(prefix + name, file);
  assert.equal(sha256(await readFile(file)), sha256(bytes), `the bytes of ${name}`);
  checkTold(told, ATTRIBUTES);
}

/** What a client does not tell is not compared. */
function checkTold(told: Told, attributes: Attributes, etag?: string): void {
  if (told.contentType !== undefined) assert.equal(told.contentType, attributes.contentType);
  if (told.etag !== undefined && etag !== undefined) assert.equal(told.etag.replaceAll('"', ''), etag);
  if (told.metadata === undefined) return;
  for (const [name, value] of Object.entries(attributes.metadata)) {
    assert.equal(told.metadata[name], value, `the metadata ${name}`);
  }
}

async function isStored({ endpoint, prefix }: Scene, name: string): Promise<boolean> {
  try {
    await endpoint.store.head({ bucket: endpoint.bucket, key: prefix + name });
    return true;
  } catch (error) {
    if (isWaybillError(error) && error.type === 'no_such_key') return false;
    throw error;
  }
}

interface Fetched {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly bytes: Buffer;
}

/** Without any client: whoever was given the URL. */
async function fetchUrl({ endpoint }: Scene, method: string, url: string, body?: Buffer): Promise<Fetched> {
  const ca = endpoint.caFile === null ? undefined : await readFile(endpoint.caFile);
  return new Promise((resolve, reject) => {
    const options = {
      method,
      agent: false,
      ...(ca && { ca }),
      ...(body && { headers: { 'Content-Length': body.length } }),
    };
    const request = url.startsWith('https:') ? https.request(url, options) : http.request(url, options);
    request.on('error', reject).on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject);
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes: Buffer.concat(chunks) });
      });
    });
    request.end(body);
  });
}
