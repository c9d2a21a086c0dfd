/**
 * Every payload mode through the gateway to a store that verifies for itself and takes nothing unsigned: what goes out is signed as
 * strictly as what came in, whatever its form.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { Answer } from '../support/signed-request.ts';
import { send } from '../support/signed-request.ts';
import { computeChecksum } from '../../stores/rules/checksum-hash.ts';
import { sendChunked, SIGNED, SIGNED_TRAILER, UNSIGNED_TRAILER } from '../support/chunked-body.ts';
import { PROVIDER_CREDENTIALS } from '../support/start-fake-provider.ts';
import { providerStore, startGateway } from '../support/start-gateway.ts';
import type { StartedGateway } from '../support/start-gateway.ts';
import { startStore } from '../support/start-store.ts';
import type { StartedStore } from '../support/start-store.ts';

const MODES = ['sha256', 'UNSIGNED-PAYLOAD', SIGNED, SIGNED_TRAILER, UNSIGNED_TRAILER] as const;
type Mode = (typeof MODES)[number];

describe('through the gateway to a store', () => {
  let store: StartedStore;
  let gateway: StartedGateway;
  before(async () => {
    store = await startStore({ buckets: ['bucket'], keys: [PROVIDER_CREDENTIALS] });
    const provider = providerStore(store.endpoint, { region: store.region });
    gateway = await startGateway({
      stores: [provider, { ...provider, name: 'plain', signedChunks: false }],
      keys: [
        { name: 'etl', allowUnsignedPayload: true },
        { name: 'spooled', store: 'plain', allowUnsignedPayload: true },
      ],
    });
  });
  after(async () => {
    await gateway.close();
    await store.close();
  });

  const split = (body: Buffer): Buffer[] => {
    const chunks: Buffer[] = [];
    for (let at = 0; at < body.length; at += 70_000) chunks.push(body.subarray(at, at + 70_000));
    return chunks;
  };
  async function put(
    mode: Mode,
    body: Buffer,
    target: string,
    key: string,
    tamper?: (body: Buffer) => Buffer,
  ): Promise<Answer> {
    const caller = gateway.caller(key);
    const checksum = Buffer.from(await computeChecksum('CRC64NVME', body)).toString('base64');
    const name = 'x-amz-checksum-crc64nvme';
    if (mode === 'sha256' || mode === 'UNSIGNED-PAYLOAD') {
      return send(caller, {
        method: 'PUT',
        target,
        body,
        headers: [[name, checksum]],
        ...(mode === 'UNSIGNED-PAYLOAD' && { payloadHash: mode }),
        ...(tamper && { sendBody: tamper(body) }),
      });
    }
    const isTrailer = mode !== SIGNED;
    return sendChunked(caller, {
      mode,
      target,
      chunks: split(body),
      trailer: isTrailer ? [name, checksum] : null,
      headers: isTrailer ? [] : [[name, checksum]],
      transferChunked: mode === UNSIGNED_TRAILER,
      ...(tamper && { tamper }),
    });
  }
  async function read(key: string): Promise<Buffer | null> {
    const found = await store.store.get({ bucket: 'bucket', key }).catch(() => null);
    if (found === null) return null;
    const pieces: Uint8Array[] = [];
    for await (const piece of found.body) pieces.push(piece);
    return Buffer.concat(pieces);
  }

  for (const key of ['etl', 'spooled']) {
    for (const mode of MODES) {
      it(`${mode} puts objects and parts of every size, with the checksum of the caller, as ${key}`, async () => {
        for (const size of [0, 1, 5_000, 262_144, 262_145, 1_000_000]) {
          const body = randomBytes(size);
          const object = `${key}-${mode}-${size}`;
          const answer = await put(mode, body, `/bucket/${object}`, key);
          assert.equal(answer.status, 200, `${size}: ${answer.text}`);
          assert.ok((await read(object))?.equals(body), `${size}`);
          const head = await send(gateway.caller(key), {
            method: 'HEAD',
            target: `/bucket/${object}`,
            headers: [['x-amz-checksum-mode', 'ENABLED']],
          });
          const expected = Buffer.from(await computeChecksum('CRC64NVME', body)).toString('base64');
          assert.equal(head.headers['x-amz-checksum-crc64nvme'], expected, `${size}`);
          assert.equal(head.headers['content-encoding'], undefined);
        }
        const created = await send(gateway.caller(key), { method: 'POST', target: `/bucket/m-${key}-${mode}?uploads` });
        const uploadId = /<UploadId>([^<]+)/.exec(created.text)?.[1] ?? '';
        const part = randomBytes(600_000);
        const target = `/bucket/m-${key}-${mode}?partNumber=1&uploadId=${encodeURIComponent(uploadId)}`;
        const answer = await put(mode, part, target, key);
        assert.equal(answer.status, 200, answer.text);
      });

      it(`${mode} leaves nothing at the store when a byte was changed on the way, as ${key}`, async () => {
        for (const size of [5_000, 1_000_000]) {
          for (const where of [0.1, 0.999]) {
            const object = `bad-${key}-${mode}-${size}-${where}`;
            const answer = await put(mode, randomBytes(size), `/bucket/${object}`, key, (sent) => {
              const changed = Buffer.from(sent);
              const at = Math.floor((sent.length - 400) * where) + 200;
              changed[at] = (changed[at] ?? 0) ^ 1;
              return changed;
            });
            assert.ok(answer.status >= 400 && answer.status < 500, `${size}: ${answer.status} ${answer.text}`);
            assert.equal(await read(object), null, `${size}`);
          }
        }
      });
    }
  }
});
