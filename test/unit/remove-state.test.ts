/** What `waybill dev --fresh` throws away, and what it leaves. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { removeState } from '../../dev/remove-state.ts';
import { buildStackConfig, PORT_NAMES, printStackConfig, type StackPorts } from '../../dev/stack-config.ts';

const PORTS = Object.fromEntries(PORT_NAMES.map((name, index) => [name, 20_000 + index])) as unknown as StackPorts;
const CONFIG = printStackConfig(
  buildStackConfig({ ports: PORTS, temporalAddress: `127.0.0.1:${String(PORTS.temporal)}` }),
);
const MADE = ['secrets.json', 'access.json', 'env.sh', 'postgres.password', 'postgres.log', 'temporal.db-wal'];

let stateDir: string;
beforeEach(async () => {
  stateDir = await mkdtemp(path.join(os.tmpdir(), 'waybill-fresh-'));
  for (const name of ['logs', 'stores', 'postgres']) await mkdir(path.join(stateDir, name));
  for (const name of MADE) await write(name, 'made');
  await write('ports.json', JSON.stringify(PORTS));
  await write('waybill.yaml', CONFIG);
});
afterEach(() => rm(stateDir, { recursive: true, force: true }));

const write = (name: string, text: string): Promise<void> => writeFile(path.join(stateDir, name), text);
const list = async (): Promise<string[]> => (await readdir(stateDir)).sort();

test('a stack whose configuration is as it was written leaves nothing', async () => {
  assert.equal(await removeState(stateDir), false);
  assert.deepEqual(await list(), []);
});

test('a configuration that was edited stays, with the ports that it names, and so does what is no stack’s', async () => {
  const edited = CONFIG.replace('prefix: copy/', 'prefix: mine/');
  assert.notEqual(edited, CONFIG);
  await write('waybill.yaml', edited);
  await write('provider-ca.pem', 'theirs');
  assert.equal(await removeState(stateDir), true);
  assert.deepEqual(await list(), ['ports.json', 'provider-ca.pem', 'waybill.yaml']);
  assert.equal(await readFile(path.join(stateDir, 'waybill.yaml'), 'utf8'), edited);
  // Once more, before a start has made the rest.
  assert.equal(await removeState(stateDir), true);
});

test('where the configuration that would stay is wrong, nothing is thrown away', async () => {
  await write('waybill.yaml', `${CONFIG}nonsense: true\n`);
  const before = await list();
  await assert.rejects(removeState(stateDir), { type: 'invalid_config', message: /waybill\.yaml:\d+:\d+: nonsense/ });
  assert.deepEqual(await list(), before);
});

test('a directory that is no stack’s is left alone', async () => {
  await rm(path.join(stateDir, 'ports.json'));
  const before = await list();
  await assert.rejects(removeState(stateDir), { type: 'invalid_config' });
  assert.deepEqual(await list(), before);
  assert.equal(await removeState(path.join(stateDir, 'none')), false);
});
