/** The last sentence of the doctor goes by the most telling check, whatever the order in which they ran. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { couldNotRun, fail, ok, warn, type Outcome, type Side } from '../../doctor/check.ts';
import { judge, type Verdict } from '../../doctor/judge.ts';

const because = (id: string, side: Side): { cause: string; side: Side } => ({ cause: `cause of ${id}`, side });
const warned = (id: string, side: Side = 'yours'): [string, Outcome] => [id, warn([], because(id, side))];
const failed = (id: string, side: Side = 'yours'): [string, Outcome] => [id, fail([], because(id, side))];
const verdictOf = (...outcomes: (readonly [string, Outcome])[]): Verdict =>
  judge(
    outcomes.map(([id, outcome]) => ({ id, title: id, ...outcome })),
    'host',
  );

test('a notice about Signature Version 2 decides nothing while anything else failed or warned', () => {
  for (const other of ['endpoint', 'reach', 'clock', 'credentials', 'region', 'capabilities', 'baseline', 'aws-cli']) {
    const { sentence, side } = verdictOf(warned('sigv2'), warned(other, 'service'));
    assert.match(sentence, new RegExp(`cause of ${other}\\.$`));
    assert.equal(side, 'service');
    assert.match(verdictOf(warned('sigv2'), failed(other)).sentence, new RegExp(`cause of ${other}\\.$`));
  }
  assert.match(verdictOf(warned('sigv2'), ['baseline', ok([])]).sentence, /cause of sigv2\.$/);
});

test('of warnings the baseline comes first, of failures what it follows from', () => {
  const around = ['endpoint', 'clock', 'credentials', 'capabilities'];
  const warnings = [...around.map((id) => warned(id)), warned('baseline', 'service')];
  assert.match(verdictOf(...warnings).sentence, /cause of baseline\.$/);
  assert.match(verdictOf(failed('baseline'), failed('rewrite', 'between')).sentence, /cause of rewrite\.$/);
  assert.match(verdictOf(failed('capabilities'), failed('baseline')).sentence, /cause of baseline\.$/);
});

test('a baseline that could not be judged leaves it open, with its reason, whatever was noticed besides', () => {
  const { isOutage, side, sentence } = verdictOf(warned('sigv2'), ['baseline', couldNotRun('200', 'nobody looked')]);
  assert.deepEqual([isOutage, side], [null, null]);
  assert.match(sentence, /^Not settled: .*: nobody looked\.$/);
});
