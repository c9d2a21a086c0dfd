import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMMANDS } from '../../cli/commands.ts';
import { runWaybill } from '../support/run-waybill.ts';

test('waybill --help names every command with what it is for', async () => {
  const { code, stdout } = await runWaybill(['--help']);
  assert.equal(code, 0);
  for (const [name, { summary }] of Object.entries(COMMANDS)) {
    assert.match(stdout, new RegExp(`^ +${name} .*${summary.split(' ')[0] ?? ''}`, 'm'));
  }
});

test('every command loads under its own name', async () => {
  for (const [name, { load }] of Object.entries(COMMANDS)) assert.equal((await load()).name(), name);
});

test('a usage error ends with 2 and says what was wrong on stderr only', async () => {
  for (const args of [
    [],
    ['no-such-command'],
    ['manifest', '--no-such-option'],
    ['manifest', '--run-id', 'a b'],
    ['manifest', 'a', 'b'],
  ]) {
    const { code, stdout, stderr } = await runWaybill(args);
    assert.deepEqual([code, stdout], [2, ''], args.join(' '));
    assert.match(stderr, args.length === 0 ? /^Usage/ : /^waybill: /);
  }
});

test('waybill --version prints the version of the package', async () => {
  const { code, stdout } = await runWaybill(['--version']);
  assert.equal(code, 0);
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
});
