/** The listener over TLS, with a certificate made for the test by openssl; without openssl there is nothing to make one with. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkTransport } from '../../gateway/store-server.ts';
import { sign } from '../support/signed-request.ts';
import { startStore } from '../support/start-store.ts';

test('plain HTTP beyond loopback needs a certificate or the word for it', () => {
  for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost']) checkTransport({ host, port: 0 }, false, false);
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'example.com', '127.0.0.1.example.com']) {
    assert.throws(() => checkTransport({ host, port: 0 }, false, false), { type: 'invalid_config' });
    checkTransport({ host, port: 0 }, true, false);
    checkTransport({ host, port: 0 }, false, true);
  }
});

if (hasOpenssl()) {
  test('signed requests are served over TLS', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'waybill-tls-'));
    const [certFile, keyFile] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
    const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
    execFileSync('openssl', ['req', '-x509', ...curve, ...subject, '-keyout', keyFile, '-out', certFile], {
      stdio: 'ignore',
    });
    const store = await startStore({ buckets: ['bucket'], tls: { certFile, keyFile } });
    try {
      assert.match(store.endpoint, /^https:\/\/127\.0\.0\.1:\d+$/);
      const ca = await readFile(certFile);
      const { target, headers } = sign(store, { method: 'PUT', target: '/bucket/key', body: 'over TLS' });
      const status = await new Promise((resolve, reject) => {
        https
          .request({
            host: '127.0.0.1',
            port: store.port,
            method: 'PUT',
            path: target,
            headers: headers.flat(),
            ca,
            agent: false,
          })
          .on('response', (response) => resolve(response.resume().statusCode))
          .on('error', reject)
          .end(Buffer.from('over TLS'));
      });
      assert.equal(status, 200);
      assert.equal((await store.store.head({ bucket: 'bucket', key: 'key' })).sizeBytes, 8);
    } finally {
      await store.close();
      await rm(directory, { recursive: true, force: true });
    }
  });
}

function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
