/** A certificate that is replaced while a listener runs: the new one is served, a broken one is not, and nobody is cut off. */
import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import tls from 'node:tls';
import { openTls } from '../../gateway/listener/tls-files.ts';
import { createCertificate, type Certificate } from '../support/create-certificate.ts';
import { startStore } from '../support/start-store.ts';

let scratch = '';
let first: Certificate | null = null;
let second: Certificate | null = null;

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'waybill-tls-'));
  for (const name of ['1', '2']) await mkdir(join(scratch, name));
  first = createCertificate(join(scratch, '1'));
  second = createCertificate(join(scratch, '2'));
});
after(() => rm(scratch, { recursive: true, force: true }));

/** The fingerprint of the certificate that a new connection is shown; the connection stays open. */
function connect(port: number): Promise<{ socket: tls.TLSSocket; fingerprint: string }> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () =>
      resolve({ socket, fingerprint: socket.getPeerCertificate().fingerprint256 }),
    );
    socket.on('error', reject);
  });
}

async function show(port: number): Promise<string> {
  const { socket, fingerprint } = await connect(port);
  socket.destroy();
  return fingerprint;
}

function askStatus(socket: tls.TLSSocket): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1').split('\r\n', 1)[0] ?? ''));
    socket.once('close', () => reject(new Error('closed')));
    socket.write('GET /unsigned HTTP/1.1\r\nHost: a\r\n\r\n');
  });
}

describe('a certificate', () => {
  it('is replaced for new connections, while those that are open go on', async (t) => {
    if (first === null || second === null) return t.skip('there is no openssl to make certificates with');
    const [certFile, keyFile] = [join(scratch, 'cert.pem'), join(scratch, 'key.pem')];
    const put = async (pair: Certificate): Promise<void> => {
      await copyFile(pair.certFile, certFile);
      await copyFile(pair.keyFile, keyFile);
    };
    await put(first);
    const store = await startStore({ tls: { certFile, keyFile } });
    try {
      const { socket, fingerprint } = await connect(store.port);
      await put(second);
      await store.lookAtTls();
      const renewed = await show(store.port);
      assert.notEqual(renewed, fingerprint);
      assert.match(await askStatus(socket), /^HTTP\/1\.1 403 /);
      socket.destroy();

      // A certificate without its key, bytes that are none, a file that is away: told, and not used.
      const broken = [
        () => copyFile(first?.certFile ?? '', certFile),
        () => writeFile(certFile, 'not a certificate'),
        () => rm(keyFile),
      ];
      for (const [index, breakIt] of broken.entries()) {
        await breakIt();
        await store.lookAtTls();
        await store.lookAtTls();
        assert.equal(await show(store.port), renewed);
        assert.equal(store.logged.length, index + 1, 'told once');
        assert.match(store.logged.at(-1) ?? '', /the new TLS certificate is refused; the old one stays in use/);
        assert.ok(!/BEGIN|not a certificate/.test(store.logged.at(-1) ?? ''));
      }
      await put(first);
      await store.lookAtTls();
      assert.equal(await show(store.port), fingerprint);
    } finally {
      await store.close();
    }
  });

  it('is looked at by itself', async (t) => {
    if (first === null || second === null) return t.skip('there is no openssl to make certificates with');
    const files = { certFile: join(scratch, 'a.pem'), keyFile: join(scratch, 'a.key') };
    await copyFile(first.certFile, files.certFile);
    await copyFile(first.keyFile, files.keyFile);
    const opened = await openTls(files);
    const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    const used = new Promise((resolve) => {
      const watch = opened.watch(() => resolve(watch.stop()), log, 20);
    });
    // Written after it was read, so that the very first look finds it.
    await copyFile(second.keyFile, files.keyFile);
    await copyFile(second.certFile, files.certFile);
    // The watch's timer alone keeps no process alive.
    const alive = setInterval(() => {}, 1_000);
    await used;
    clearInterval(alive);
  });

  it('that is not one, or of another key, stops the start', async (t) => {
    if (first === null || second === null) return t.skip('there is no openssl to make certificates with');
    for (const tlsFiles of [
      { certFile: first.certFile, keyFile: second.keyFile },
      { certFile: first.keyFile, keyFile: first.keyFile },
      { certFile: join(scratch, 'absent'), keyFile: first.keyFile },
    ]) {
      await assert.rejects(startStore({ tls: tlsFiles }), { type: 'invalid_config' });
    }
  });
});
