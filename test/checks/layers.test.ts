/** The directions of dependencies, over the sources as they are, and each rule over a small tree that breaks it: a checker that looks at nothing finds nothing. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { promisify } from 'node:util';

const ROOT = path.join(import.meta.dirname, '../..');
const FOLDERS = [
  ...[
    'activities',
    'api',
    'bench',
    'cli',
    'config',
    'console',
    'control',
    'core',
    'dev',
    'doctor',
    'gateway',
    'http1',
    'ledger',
    'manifest',
    'sigv4',
  ],
  ...['stores', 'test', 'worker', 'workflows'],
];
const MODULES_MIN = 100;

interface Cruise {
  readonly modules: readonly { readonly source: string }[];
  readonly summary: { readonly violations: readonly Violation[]; readonly totalCruised: number };
}
interface Violation {
  readonly from: string;
  readonly to: string;
  readonly rule: { readonly name: string };
}

/** Each breaks the rule that it is named for: `FROM: the statement`. */
const BREAKS: Readonly<Record<string, readonly [file: string, text: string]>> = {
  'core-imports-nothing': ['core/a.ts', `import fs from 'node:fs'; fs;`],
  manifest: ['manifest/a.ts', `import { x } from '../stores/store.ts'; x;`],
  sigv4: ['sigv4/a.ts', `import type { X } from '../manifest/types.ts'; export type Y = X;`],
  'sigv4-has-no-packages': ['sigv4/b.ts', `import { sign } from 'aws4'; sign;`],
  'sigv4-runs-in-a-browser': ['sigv4/c.ts', `import crypto from 'node:crypto'; crypto;`],
  config: ['config/a.ts', `import { x } from '../stores/store.ts'; x;`],
  http1: ['http1/a.ts', `import { x } from '../stores/store.ts'; x;`],
  stores: ['stores/a.ts', `import { x } from '../ledger/ledger.ts'; x;`],
  'stores-one-service-each': ['stores/s3/a.ts', `import { x } from '../memory/m.ts'; x;`],
  'faults-are-for-tests': ['worker/f.ts', `import { x } from '../stores/faulty/f.ts'; x;`],
  ledger: ['ledger/a.ts', `import { x } from '../stores/store.ts'; x;`],
  activities: ['activities/a.ts', `import type { X } from '../ledger/postgres/p.ts'; export type Y = X;`],
  'activities-types': ['activities/b.ts', `import { x } from '../workflows/types.ts'; x;`],
  'activities-know-no-adapter': ['activities/c.ts', `import { x } from '@temporalio/activity'; x;`],
  workflows: ['workflows/a.ts', `import type { X } from '../activities/copy.ts'; export type Y = X;`],
  'workflows-types': ['workflows/b.ts', `import { x } from '../activities/types.ts'; x;`],
  'workflows-are-deterministic': ['workflows/c.ts', `import os from 'node:os'; os;`],
  'workflows-have-one-package': ['workflows/d.ts', `import pg from 'pg'; pg;`],
  doctor: ['doctor/a.ts', `import { x } from '../ledger/ledger.ts'; x;`],
  control: ['control/a.ts', `import { x } from '../ledger/postgres/p.ts'; x;`],
  'control-types': ['control/b.ts', `import { x } from '../ledger/ledger.ts'; x;`],
  api: ['api/a.ts', `import { x } from '../stores/store.ts'; x;`],
  'api-types': ['api/b.ts', `import { x } from '../workflows/types.ts'; x;`],
  'api-knows-ports': ['api/c.ts', `import { Client } from '@temporalio/client'; Client;`],
  console: ['console/a.ts', `import { x } from '../stores/store.ts'; x;`],
  'page-runs-in-a-browser': ['console/explain/b.ts', `import os from 'node:os'; os;`],
  gateway: ['gateway/a.ts', `import { x } from '../ledger/ledger.ts'; x;`],
  'gateway-knows-neither-ledger-nor-temporal': ['gateway/b.ts', `import pg from 'pg'; pg;`],
  worker: ['worker/a.ts', `import { x } from '../api/r.ts'; x;`],
  'worker-types': ['worker/b.ts', `import { x } from '../workflows/types.ts'; x;`],
  'worker-signs-as-a-workload': ['worker/c.ts', `import { x } from '../stores/filesystem/s.ts'; x;`],
  'postgres-in-one-place': ['cli/a.ts', `import pg from 'pg'; pg;`],
  'tests-are-not-shipped': ['dev/a.ts', `import { x } from '../test/support/s.ts'; x;`],
  'tools-are-not-shipped': ['dev/b.ts', `import fc from 'fast-check'; fc;`],
  'wiring-is-not-imported': ['api/d.ts', `import { x } from '../dev/s.ts'; x;`],
  'no-cycles': ['cli/x.ts', `import { x } from './y.ts'; export const y = x;`],
  resolvable: ['cli/z.ts', `import { x } from './gone.ts'; x;`],
};
/** What the statements above import. */
const IMPORTED: Readonly<Record<string, string>> = {
  'cli/y.ts': `import { y } from './x.ts'; export const x = y;`,
  ...Object.fromEntries(
    [
      ...['stores/store.ts', 'stores/memory/m.ts', 'stores/faulty/f.ts', 'stores/filesystem/s.ts', 'manifest/types.ts'],
      ...[
        'ledger/ledger.ts',
        'ledger/postgres/p.ts',
        'workflows/types.ts',
        'activities/types.ts',
        'activities/copy.ts',
      ],
      ...['api/r.ts', 'test/support/s.ts', 'dev/s.ts'],
    ].map((file) => [file, 'export const x = 1; export type X = number;']),
  ),
};

test('dependencies point one way, over all of the sources', async () => {
  const { modules, summary } = await cruise(ROOT);
  const own = modules.filter(({ source }) => FOLDERS.some((folder) => source.startsWith(`${folder}/`)));
  assert.ok(own.length >= MODULES_MIN, `it looked at ${own.length} modules`);
  for (const folder of FOLDERS.filter((name) => existsSync(path.join(ROOT, name)))) {
    assert.ok(
      own.some(({ source }) => source.startsWith(`${folder}/`)),
      `it looked at no module of ${folder}`,
    );
  }
  assert.deepEqual(summary.violations.map(print), []);
});

test('each rule catches what breaks it', async (t) => {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'waybill-layers-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  for (const file of ['.dependency-cruiser.cjs', 'tsconfig.json', 'package.json']) {
    await cp(path.join(ROOT, file), path.join(dir, file));
  }
  await symlink(path.join(ROOT, 'node_modules'), path.join(dir, 'node_modules'));
  for (const [file, text] of [...Object.entries(IMPORTED), ...Object.values(BREAKS)]) {
    await mkdir(path.dirname(path.join(dir, file)), { recursive: true });
    await writeFile(path.join(dir, file), text);
  }
  const { violations } = (await cruise(dir)).summary;
  for (const [rule, [file]] of Object.entries(BREAKS)) {
    assert.ok(
      violations.some((violation) => violation.rule.name === rule && violation.from === file),
      `${rule} lets ${file} through; found: ${violations
        .filter(({ from }) => from === file)
        .map(print)
        .join(', ')}`,
    );
  }
  const rules = (await import(path.join(ROOT, '.dependency-cruiser.cjs'))) as {
    default: { forbidden: readonly { name: string }[] };
  };
  const untested = rules.default.forbidden.map(({ name }) => name).filter((name) => !Object.hasOwn(BREAKS, name));
  assert.deepEqual(untested, []);
});

async function cruise(dir: string): Promise<Cruise> {
  const folders = FOLDERS.filter((folder) => existsSync(path.join(dir, folder)));
  const bin = path.join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const args = [bin, '--config', '.dependency-cruiser.cjs', '--output-type', 'json', ...folders];
  // It exits with the number of violations.
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: dir, maxBuffer: 1 << 28 }).catch(
    (error: unknown) => {
      const ended = error as Error & { stdout?: string };
      if (ended.stdout?.startsWith('{') === true) return { stdout: ended.stdout };
      throw ended;
    },
  );
  return JSON.parse(stdout) as Cruise;
}

const print = ({ rule, from, to }: Violation): string => `${rule.name}: ${from} -> ${to}`;
