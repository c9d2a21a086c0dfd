/**
 * Many copies between two providers at once, of mixed sizes, while others read through the same gateway: whatever a target or a reader has
 * got whole is the object, byte for byte, also where sources, targets and callers break off at any moment; and nothing is held once
 * all is over. Memory that were given back twice would be read into by two sockets at once.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { KiB, MiB } from '../../core/limits.ts';
import { send, sign } from '../support/signed-request.ts';
import { startFakeProvider, type FakeProvider } from '../support/start-fake-provider.ts';
import { providerStore, startGateway, type StartedGateway } from '../support/start-gateway.ts';
import { until } from '../support/until.ts';

const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');
const SIZES = [0, 1, 8000, 32 * KiB, 32 * KiB + 1, 40_000, 128 * KiB, 256 * KiB, 300_000, 700_000, 2_500_000, 8 * MiB];
const OBJECTS = [...SIZES, ...SIZES].map((size) => randomBytes(size));
const TAGS = OBJECTS.map(md5);
const AT_ONCE = 24;
const COPIES = 240;

let source: FakeProvider;
let target: FakeProvider;
let gateway: StartedGateway;
let isStorm = false;
/** Whole bodies that came to the target, and what was wrong with one. */
let arrived = 0;
const wrong: string[] = [];

const chance = (share: number): boolean => isStorm && Math.random() < share;
const toIndex = (url: string): number => Number(url.split('/').at(-1));
function check(what: string, at: number, bytes: Uint8Array): void {
  if (md5(bytes) !== TAGS[at]) wrong.push(`${what} of ${String(OBJECTS[at]?.length)} bytes`);
}

/** In pieces of any size, so that reads of any size are handed over. */
async function answerObject(bytes: Buffer, response: http.ServerResponse): Promise<void> {
  const pieceBytes = Math.random() < 0.5 ? bytes.length : 1000 + Math.floor(Math.random() * 90_000);
  const end = chance(0.15) ? Math.floor(Math.random() * bytes.length) : bytes.length;
  const pauseMs = chance(0.1) ? 10 : 0;
  for (let from = 0; from < end && !response.destroyed; from += pieceBytes) {
    response.write(bytes.subarray(from, Math.min(end, from + pieceBytes)));
    if (pieceBytes < bytes.length) await sleep(pauseMs);
  }
  if (end < bytes.length) response.destroy();
  else response.end();
}

before(async () => {
  [source, target] = await Promise.all([startFakeProvider(), startFakeProvider()]);
  gateway = await startGateway({
    stores: [providerStore(source.endpoint, { name: 'a' }), providerStore(target.endpoint, { name: 'b' })],
    keys: [
      { name: 'reader', store: 'a' },
      { name: 'writer', store: 'b' },
    ],
    gateway: { accessLog: 'off', adminListen: { host: '127.0.0.1', port: 0 } },
  });
  source.script = ({ url }, response) => {
    source.requests.length = 0;
    const at = toIndex(url);
    const bytes = OBJECTS[at] ?? assert.fail(url);
    response.writeHead(200, { etag: `"${TAGS[at]}"`, 'content-length': bytes.length });
    void answerObject(bytes, response);
  };
  target.script = ({ url, body }, response) => {
    target.requests.length = 0;
    arrived += 1;
    check('copy', toIndex(url), body);
    if (chance(0.1)) response.destroy();
    else if (chance(0.1)) response.writeHead(503).end();
    else response.writeHead(200, { etag: `"${md5(body)}"`, 'content-length': 0 }).end();
  };
});
after(async () => {
  await gateway.close();
  await Promise.all([source.close(), target.close()]);
});

/** @returns its status; 0 where nobody waited for it */
function copy(at: number): Promise<number> {
  const grant = sign(gateway.caller('reader'), { method: 'GET', target: `/source/${at}`, presignSeconds: 30 });
  const writer = gateway.caller('writer');
  const plan = { method: 'PUT', target: `/target/${at}`, headers: [['x-amz-copy-source', grant.target]] } as const;
  const { target: path, headers } = sign(writer, plan);
  return new Promise((resolve) => {
    const { port } = writer;
    const request = http.request({ host: '127.0.0.1', port, method: 'PUT', path, headers: headers.flat() });
    request.on('error', () => resolve(0));
    request.on('response', (response) => {
      response.on('error', () => resolve(0)).on('end', () => resolve(response.statusCode ?? 0));
      response.resume();
    });
    request.end();
    if (chance(0.3)) setTimeout(() => request.destroy(), Math.random() * 60);
  });
}

async function read(at: number): Promise<void> {
  const answer = await send(gateway.caller('reader'), { method: 'GET', target: `/source/${at}` }).catch(() => null);
  if (answer?.status === 200) check('read', at, answer.bytes);
}

/** @returns the statuses of the copies */
async function copyMany(): Promise<readonly number[]> {
  const statuses: number[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < COPIES) {
      const at = next++ % OBJECTS.length;
      if (Math.random() < 0.2) await read(OBJECTS.length - 1 - at);
      statuses.push(await copy(at));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return statuses;
}

const heldBytes = async (): Promise<string | undefined> =>
  /^waybill_gateway_held_bytes (\d+)$/m.exec(await (await fetch(`${gateway.adminUrl ?? ''}/metrics`)).text())?.[1];

test('copies at once do not mix their bytes', async () => {
  const statuses = await copyMany();
  assert.deepEqual(wrong, []);
  assert.deepEqual(new Set(statuses), new Set([200]));
  assert.equal(arrived, COPIES);
});

test('nor do they where anybody breaks off at any moment, and nothing is held after it', async () => {
  isStorm = true;
  await copyMany();
  isStorm = false;
  assert.deepEqual(wrong, []);
  await until(async () => (await heldBytes()) === '0');
  for (const at of OBJECTS.keys()) assert.equal(await copy(at), 200);
  assert.deepEqual(wrong, []);
});
