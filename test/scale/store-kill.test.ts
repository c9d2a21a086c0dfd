/**
 * A thousand processes that write to one directory, each killed with SIGKILL under load: half of them by another process whenever that
 * falls, half of them by themselves between two system calls. After each, everything that was acknowledged is there, whole.
 * WAYBILL_TEST_KILLS sets another number.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { checkSurvivors, writeAndKill } from '../support/store-crash.ts';
import type { Kill, Versions } from '../support/store-crash.ts';
import { createScratchDirectory } from '../support/store-scratch.ts';

const KILLS = Number(process.env['WAYBILL_TEST_KILLS'] ?? 1000);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Compiled once, since a thousand processes would each spend half a second on that. @returns how it is started */
async function compileChild(directory: string): Promise<string[]> {
  const config = {
    extends: join(ROOT, 'tsconfig.json'),
    compilerOptions: { noEmit: false, incremental: false, rootDir: ROOT, outDir: join(directory, 'out') },
    files: [join(ROOT, 'test/support/store-crash-child.ts')],
    include: [],
  };
  await writeFile(join(directory, 'tsconfig.json'), JSON.stringify(config));
  await writeFile(join(directory, 'package.json'), '{"type":"module"}');
  await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  await promisify(execFile)(process.execPath, [tsc, '-p', join(directory, 'tsconfig.json')]);
  return [join(directory, 'out/test/support/store-crash-child.js')];
}

it(`${String(KILLS)} kills under load lose no acknowledged write`, async () => {
  const scratch = await createScratchDirectory();
  const compiled = await createScratchDirectory();
  try {
    const child = await compileChild(compiled.path);
    const versions: Versions = new Map();
    let acknowledged = 0;
    let temporaries = 0;
    let orphans = 0;
    for (let done = 0; done < KILLS; done++) {
      const kill: Kill = done % 2 === 0 ? { acknowledgements: randomInt(1, 60) } : { step: randomInt(1, 400) };
      acknowledged += await writeAndKill(scratch.path, kill, versions, child);
      const swept = await checkSurvivors(scratch.path, versions);
      temporaries += swept.temporaries;
      orphans += swept.orphans;
      if ((done + 1) % 100 === 0 || done + 1 === KILLS) {
        console.log(
          `${String(done + 1)} kills, ${String(acknowledged)} acknowledged writes, ${String(temporaries)} temporaries and ${String(orphans)} orphans swept`,
        );
      }
    }
    // Otherwise no kill fell where it matters.
    assert.ok(acknowledged > KILLS && temporaries + orphans > KILLS / 20);
  } finally {
    await scratch.remove();
    await compiled.remove();
  }
});
