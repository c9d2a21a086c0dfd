/**
 * The field guide's examples, run as they stand: its files are written, its commands run, and what they print is what the guide
 * shows. A line of `…` stands for whatever is left out there. The store of its examples is one of this test's, on another port.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startStore, type StartedStore } from '../support/start-store.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const GUIDE = path.join(ROOT, 'docs/signature-does-not-match.md');
/** Of AWS's documentation. */
const KEYS = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };
const SHOWN_STORE = '127.0.0.1:9000';
const ELLIPSIS = '…';

type Step =
  | { readonly kind: 'file'; readonly name: string; readonly text: string }
  | { readonly kind: 'command'; readonly heading: string; readonly command: string; readonly shown: readonly string[] };

/** What to write and what to run, in the guide's order. */
function readSteps(guide: string): readonly Step[] {
  const steps: Step[] = [];
  let heading = '';
  const lines = guide.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    if (line.startsWith('#')) heading = line.replace(/^#+ /, '');
    const [, language, name] = /^```(\w+)(?: (\S+))?$/.exec(line) ?? [];
    if (language === undefined) continue;
    const end = lines.indexOf('```', at + 1);
    const body = lines.slice(at + 1, end);
    if (name !== undefined) steps.push({ kind: 'file', name, text: `${body.join('\n')}\n` });
    const [first = '', ...shown] = body;
    if (language === 'console') steps.push({ kind: 'command', heading, command: first.replace(/^\$ /, ''), shown });
    at = end;
  }
  return steps;
}

/** Null when what is shown is what was printed. */
function findDeparture(shown: readonly string[], printed: readonly string[]): string | null {
  let at = 0;
  let isSkipping = false;
  for (const line of shown) {
    if (line === ELLIPSIS) {
      isSkipping = true;
      continue;
    }
    if (isSkipping) while (at < printed.length && printed[at] !== line) at += 1;
    isSkipping = false;
    if (printed[at] !== line) return `the guide shows\n  ${line}\nand it prints\n  ${printed[at] ?? '(nothing more)'}`;
    at += 1;
  }
  const rest = printed.slice(at).filter((line) => line !== '');
  return isSkipping || rest.length === 0 ? null : `the guide leaves out\n  ${rest.join('\n  ')}`;
}

describe('the field guide', () => {
  let store: StartedStore;
  let scratch: string;
  before(async () => {
    store = await startStore({ buckets: ['photos'], keys: [KEYS] });
    scratch = await mkdtemp(path.join(tmpdir(), 'waybill-guide-'));
    const command = `#!/bin/sh\nexec "${process.execPath}" --import "${import.meta.resolve('tsx')}" "${path.join(ROOT, 'cli/main.ts')}" "$@"\n`;
    await writeFile(path.join(scratch, 'waybill'), command);
    await chmod(path.join(scratch, 'waybill'), 0o755);
  });
  after(async () => {
    await store.close();
    await rm(scratch, { recursive: true });
  });

  async function run(command: string): Promise<readonly string[]> {
    const endpoint = new URL(store.endpoint).host;
    const child = spawn('sh', ['-c', command.replaceAll(SHOWN_STORE, endpoint)], {
      cwd: scratch,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: `${scratch}:${process.env['PATH'] ?? ''}`,
        HOME: '/nonexistent',
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
        AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
      },
    });
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (printed += text));
    await new Promise((resolve) => child.on('close', resolve));
    return printed.replaceAll(endpoint, SHOWN_STORE).trimEnd().split('\n');
  }

  test('each example prints what the guide shows', async () => {
    const steps = readSteps(await readFile(GUIDE, 'utf8'));
    const departures: string[] = [];
    let ran = 0;
    for (const step of steps) {
      if (step.kind === 'file') {
        await writeFile(path.join(scratch, step.name), step.text);
        continue;
      }
      ran += 1;
      const departure = findDeparture(step.shown, await run(step.command));
      if (departure !== null) departures.push(`${step.heading}: $ ${step.command}\n${departure}`);
    }
    assert.ok(ran >= 25, `${String(ran)} examples`);
    assert.deepEqual(departures, [], departures.join('\n\n'));
  });

  test('every link inside the guide leads to a heading of it', async () => {
    const guide = await readFile(GUIDE, 'utf8');
    const headings = new Set(
      [...guide.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
        title
          .toLowerCase()
          .replace(/[^\p{L}\p{N} -]/gu, '')
          .replaceAll(' ', '-'),
      ),
    );
    const links = [...guide.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor = '']) => anchor);
    assert.ok(links.length >= 10);
    assert.deepEqual(
      links.filter((anchor) => !headings.has(anchor)),
      [],
    );
  });

  test('an example that prints anything else is told', () => {
    assert.equal(findDeparture(['a', ELLIPSIS, 'c'], ['a', 'b', 'c']), null);
    assert.match(findDeparture(['a', 'b'], ['a', 'x']) ?? '', /prints\n {2}x/);
    assert.match(findDeparture(['a'], ['a', 'b']) ?? '', /leaves out/);
    assert.match(findDeparture(['a', ELLIPSIS, 'd'], ['a', 'b']) ?? '', /nothing more/);
  });
});
