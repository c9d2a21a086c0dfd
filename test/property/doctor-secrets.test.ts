/** Whatever stands in the environment, in client files and in the answers of a server that echoes, no report holds a secret. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { printReport } from '../../doctor/print-report.ts';
import { examine } from '../support/examine.ts';
import { startScriptedServer } from '../support/start-scripted-server.ts';

const secret = fc.stringMatching(/^[A-Za-z0-9/+=]{20,48}$/).filter((text) => new Set(text).size > 6);

test('no report holds a secret of any source, in any form, though the server sends back what it got', async () => {
  const home = await mkdtemp(path.join(tmpdir(), 'waybill-canary-'));
  let echo = '';
  const server = await startScriptedServer(({ target, headers }, socket) => {
    const text = `<Error><Code>SignatureDoesNotMatch</Code><Message>${echo} ${Object.values(headers).join(' ').replaceAll('<', '')}</Message><CanonicalRequest>GET\n${target.split('?')[0] ?? ''}/${encodeURIComponent(echo)}\n\nhost:${echo}\n\nhost\nx</CanonicalRequest></Error>`;
    socket.write(
      `HTTP/1.1 403 Forbidden\r\nDate: ${new Date().toUTCString()}\r\nServer: ${echo}\r\nContent-Length: ${String(Buffer.byteLength(text))}\r\n\r\n${text}`,
    );
  });
  try {
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(secret, secret, secret, secret, secret),
        fc.constantFrom('', '\n', ' '),
        async (secrets, tail) => {
          const [key = '', token = '', inProfile = '', inS3cfg = '', inProxy = ''] = secrets;
          echo = key;
          const aws = path.join(home, randomBytes(4).toString('hex'));
          await writeFile(aws, `[default]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = ${inProfile}\n`);
          await writeFile(path.join(home, '.s3cfg'), `[default]\nsecret_key = ${inS3cfg}\nsignature_v2 = True\n`);
          const report = await examine(server.endpoint, {
            credentials: { accessKeyId: 'AKIDCANARY', secretAccessKey: key + tail, sessionToken: token },
            env: {
              HOME: home,
              AWS_SHARED_CREDENTIALS_FILE: aws,
              AWS_PROFILE: 'default',
              HTTPS_PROXY: `http://user:${encodeURIComponent(inProxy)}@127.0.0.1:9`,
            },
          });
          for (const text of [JSON.stringify(report), printReport(report)]) {
            for (const one of secrets) {
              for (const form of [
                one,
                encodeURIComponent(one),
                Buffer.from(one).toString('base64'),
                JSON.stringify(one).slice(1, -1),
              ])
                assert.ok(!text.includes(form), `a secret stands in the report: ${form}`);
            }
          }
          assert.match(printReport(report), /signature_v2 = True/);
        },
      ),
      { numRuns: 12 },
    );
  } finally {
    await server.close();
    await rm(home, { recursive: true });
  }
});
