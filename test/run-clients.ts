/**
 * `npm run test:clients [-- CLIENT [ENDPOINT]]`: every client against a store and through a gateway, over http and https. It prints a row for each
 * client and endpoint, what failed with what the client said, and the table; a client that cannot be installed is listed as missing
 * and counts as failed, as what was not run did not pass. The last line is `N passed, N failed`.
 */
import { createCertificate } from './support/create-certificate.ts';
import { createAllClients, findVersion } from './clients/clients.ts';
import { startEndpoint, type Endpoint } from './clients/endpoints.ts';
import { runClient, type Cell } from './clients/matrix.ts';
import { OPERATIONS } from './clients/operations.ts';
import { runSession } from './runner/session.ts';

const [wantedClient = '', wantedEndpoint = ''] = process.argv.slice(2);
const say = (line: string): void => console.log(line);
const WIDTH = 10;

await runSession(async ({ temporaryDir, record, signal, atEnd }) => {
  // The clients get this machine's environment only where they are told to.
  delete process.env['AWS_CA_BUNDLE'];
  const certificate = createCertificate(temporaryDir);
  if (certificate === null) throw new Error('openssl is needed for the certificate');
  const endpoints: Endpoint[] = [];
  for (const kind of ['store', 'gateway'] as const) {
    for (const one of [null, certificate]) {
      const endpoint = await startEndpoint(kind, one);
      endpoints.push(endpoint);
      atEnd(() => endpoint.close());
    }
  }
  const rows: string[] = [];
  const missing: string[] = [];
  for (const client of await createAllClients(say)) {
    if (!client.name.includes(wantedClient)) continue;
    const version = await findVersion(client, say);
    if (version === null) {
      missing.push(client.name);
      const error = 'the client is not to be had on this machine';
      record({ name: client.name, tests: [{ title: 'installed', outcome: 'failed', error }], seconds: 0, output: '' });
      continue;
    }
    for (const endpoint of endpoints) {
      if (signal.aborted) return;
      if (!endpoint.name.includes(wantedEndpoint)) continue;
      const startedAt = performance.now();
      const cells = await runClient(client, endpoint, temporaryDir);
      const seconds = (performance.now() - startedAt) / 1000;
      record({ name: `${client.name} ${version}, ${endpoint.name}`, tests: toTests(cells), seconds, output: '' });
      rows.push(printRow(`${client.name} ${version}`, endpoint.name, cells));
    }
  }
  const columns = OPERATIONS.map(({ name }) => name.padEnd(WIDTH)).join('');
  console.log(`\n${'client'.padEnd(30)}${'endpoint'.padEnd(15)}${columns}\n${rows.join('\n')}`);
  console.log('\n-: the client has no such command');
  for (const name of missing) console.log(`missing: ${name}`);
});

function printRow(client: string, endpoint: string, cells: readonly Cell[]): string {
  const marks = cells.map(({ passed }) => (passed === null ? '-' : passed ? 'ok' : 'FAILED').padEnd(WIDTH));
  return `${client.padEnd(30)}${endpoint.padEnd(15)}${marks.join('')}`.trimEnd();
}

function toTests(cells: readonly Cell[]) {
  return cells
    .filter(({ passed }) => passed !== null)
    .map(({ operation, passed, evidence }) => ({
      title: operation,
      outcome: passed === true ? ('passed' as const) : ('failed' as const),
      error: passed === true ? null : evidence,
    }));
}
