/**
 * The clients that install in seconds, at a store over http and through a gateway over https: the part of `npm run test:clients` that
 * every run of the tests has. A client that cannot be had here is named in a line and has no test.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createSmallClients, findVersion } from '../clients/clients.ts';
import { startEndpoint, type Endpoint } from '../clients/endpoints.ts';
import { createAwsSdk } from '../clients/libraries.ts';
import { runClient } from '../clients/matrix.ts';
import { createCertificate } from '../support/create-certificate.ts';

// Each of its commands takes a second to start: `npm run test:clients` has it, and store-clients.test.ts where it is installed.
const SLOW = 'aws-cli 1';

// Before any test is known: the runner ends when those that it knows have ended.
const directory = await mkdtemp(join(tmpdir(), 'waybill-matrix-'));
const say = (line: string): void => console.log(line);
const clients = [];
for (const client of [createAwsSdk(null), ...(await createSmallClients(say))]) {
  if (client.name === SLOW) continue;
  const version = await findVersion(client, say);
  if (version === null) say(`${client.name} is not to be had here: it is not tested`);
  else clients.push({ client, version });
}
const certificate = createCertificate(directory);
if (certificate === null) say('openssl is not to be had here: nothing is tested over https');

const endpoints: Endpoint[] = [];
before(async () => {
  endpoints.push(await startEndpoint('store', null), await startEndpoint('gateway', certificate));
});
after(async () => {
  for (const endpoint of endpoints) await endpoint.close();
  await rm(directory, { recursive: true, force: true });
});

for (const [index, place] of ['at a store', 'through a gateway, over TLS'].entries()) {
  for (const { client, version } of clients) {
    test(`${client.name} ${version} puts, gets, lists, copies, deletes and more ${place}`, async () => {
      const endpoint = endpoints[index];
      assert.ok(endpoint !== undefined);
      const cells = await runClient(client, endpoint, directory);
      const failed = cells.filter(({ passed }) => passed === false);
      assert.deepEqual(
        failed.map(({ operation, evidence }) => `${operation}: ${evidence}`),
        [],
      );
      assert.ok(cells.filter(({ passed }) => passed === true).length >= 7);
    });
  }
}
