/** A port that one process was given is no other's while the process lives. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { test } from 'node:test';
import { claimPort, findFreePorts } from '../../dev/free-port.ts';

const MODULE = path.join(import.meta.dirname, '../../dev/free-port.ts');

test('ports are different, and none is given twice', async () => {
  const ports = [...(await findFreePorts(100)), ...(await findFreePorts(100))];
  assert.equal(new Set(ports).size, 200);
  // Where it is not Linux nothing can be held.
  if (process.platform !== 'linux') return;
  for (const port of ports) assert.equal(await claimPort(port), false);
});

test('a port that fetch refuses is not given', async () => {
  const refused = 10_080;
  await assert.rejects(fetch(`http://127.0.0.1:${String(refused)}/`), ({ cause }: Error) => {
    return cause instanceof Error && cause.message === 'bad port';
  });
  const [good = 0] = await findFreePorts(1);
  const draws = [refused, good + 1, refused, good + 2, good + 3, good + 4];
  const found = await findFreePorts(1, () => draws.shift() ?? 0);
  assert.ok(found[0] !== refused && found[0] !== 0, String(found[0]));
});

test('what another process was given is free again when that process is gone, however it went', async () => {
  if (process.platform !== 'linux') return;
  const script = `import { findFreePorts } from ${JSON.stringify(MODULE)}; console.log(...await findFreePorts(1)); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = once(child, 'exit');
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(line.toString());
  const isClaimed = !(await claimPort(port));
  child.kill('SIGKILL');
  await gone;
  assert.ok(port > 0 && isClaimed, line.toString());
  assert.equal(await claimPort(port), true);
});
