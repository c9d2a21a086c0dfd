/** The plan's decision table, row by row, and its laws over all combinations. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { adopt, decide, type Decision, type Seen } from '../../activities/plan/decide.ts';
import type { ETag } from '../../core/ids.ts';

const MD5 = 'd41d8cd98f00b204e9800998ecf8427e';
const OTHER = '0cc175b9c0f1b6a831c399e269772661';
const source = (etag = MD5, sizeBytes = 5) => ({ bucket: 'src', key: 'k', etag: etag as ETag, sizeBytes });
const target = (etag = MD5, sizeBytes = 5) => ({ key: 'p/k', etag: etag as ETag, sizeBytes, lastModifiedMs: 0 });
const delivery = (sourceEtag = MD5, targetEtag = MD5, sizeBytes = 5) => ({
  key: 'p/k',
  sourceEtag,
  sourceVersion: null,
  sizeBytes,
  targetEtag,
  checksum: `md5:${MD5}`,
});
const REFUSE = { overwrite: 'refuse', targetListed: true, etagsAreHashes: true, encrypted: false } as const;
const ALWAYS = { ...REFUSE, overwrite: 'always' } as const;
const BLIND = { ...REFUSE, targetListed: false } as const;

const act = (decision: Decision) => (decision.kind === 'act' ? decision.action : decision.kind);
const summary = (seen: Partial<Seen>, options: Parameters<typeof decide>[1] = REFUSE) => {
  const action = act(decide({ source: undefined, delivery: undefined, target: undefined, ...seen }, options));
  if (typeof action === 'string') return action;
  return action.op === 'adopt' ? 'adopt' : `${action.op} ${JSON.stringify(action.expected)}`;
};

test('an object that is nowhere yet is copied where nothing is', () => {
  assert.equal(summary({ source: source() }), 'copy {"absent":true}');
});

test('what the ledger and the target agree on is skipped', () => {
  assert.equal(summary({ source: source(), delivery: delivery(), target: target() }), 'skip');
});

test('a source without an ETag is refused, whatever is known of it: a change of its bytes would not be seen', () => {
  for (const none of ['', '""']) {
    const seen = { source: source(none), delivery: delivery(none, MD5), target: target() };
    for (const options of [REFUSE, ALWAYS, BLIND]) assert.equal(summary(seen, options), 'refuse');
    assert.equal(summary({ source: source(none), target: target(none) }), 'refuse');
    assert.equal(summary({ source: source(none) }), 'refuse');
  }
});

test('what was delivered and is gone is repaired where nothing is', () => {
  assert.equal(summary({ source: source(), delivery: delivery() }), 'repair {"absent":true}');
});

test('what was delivered and changed at the target is repaired over what is there', () => {
  assert.equal(
    summary({ source: source(), delivery: delivery(), target: target(OTHER) }),
    `repair {"etag":"${OTHER}"}`,
  );
});

test('a new version of an object of ours is copied over it, whatever overwrite says', () => {
  const seen = { source: source(OTHER), delivery: delivery(), target: target() };
  assert.equal(summary(seen), `copy {"etag":"${MD5}"}`);
});

test("somebody else's object is refused, or copied over when the pipeline says always", () => {
  const seen = { source: source(), target: target(OTHER) };
  assert.equal(summary(seen), 'refuse');
  assert.equal(summary(seen, ALWAYS), `copy {"etag":"${OTHER}"}`);
});

test('an equal object without a delivery is adopted', () => {
  assert.equal(summary({ source: source(), target: target() }), 'adopt');
});

test('an equal ETag of another size proves nothing', () => {
  assert.equal(summary({ source: source(), target: target(MD5, 6) }), 'refuse');
});

test('where one ETag is a multipart one the metadata is asked', () => {
  assert.equal(summary({ source: source(), target: target(`${OTHER}-3`) }), 'ask');
  assert.equal(summary({ source: source(`${OTHER}-3`), target: target(`${OTHER}-3`) }), 'adopt');
});

test('equal ETags prove nothing where they are no hashes, nor that an object is encrypted as wanted', () => {
  const seen = { source: source(), target: target() };
  assert.equal(summary(seen, { ...REFUSE, etagsAreHashes: false }), 'ask');
  assert.equal(summary(seen, { ...REFUSE, encrypted: true }), 'ask');
});

test('what only the target holds is an orphan, and what only the ledger remembers is nothing', () => {
  assert.equal(summary({ target: target() }), 'orphan');
  assert.equal(summary({ target: target(), delivery: delivery() }), 'orphan');
  assert.equal(summary({ delivery: delivery() }), 'nothing');
});

test('a target that is not listed is taken at the ledger’s word', () => {
  assert.equal(summary({ source: source(), delivery: delivery() }, BLIND), 'skip');
  assert.equal(summary({ source: source(OTHER), delivery: delivery() }, BLIND), `copy {"etag":"${MD5}"}`);
  assert.equal(summary({ source: source() }, BLIND), 'copy {"unknown":true}');
});

test('no combination overwrites blindly, skips without proof, or touches what is not in the manifest', () => {
  const etags = fc.constantFrom(MD5, OTHER, `${MD5}-2`, `${OTHER}-2`);
  const sizes = fc.constantFrom(5, 6);
  const seen = fc.record({
    source: fc.option(
      fc.tuple(etags, sizes).map(([etag, size]) => source(etag, size)),
      { nil: undefined },
    ),
    delivery: fc.option(
      fc.tuple(etags, etags, sizes).map(([a, b, size]) => delivery(a, b, size)),
      { nil: undefined },
    ),
    target: fc.option(
      fc.tuple(etags, sizes).map(([etag, size]) => target(etag, size)),
      { nil: undefined },
    ),
  });
  fc.assert(
    fc.property(seen, fc.constantFrom(REFUSE, ALWAYS), (state, options) => {
      let decision = decide(state, options);
      if (decision.kind === 'ask') decision = decision.otherwise;
      if (state.source === undefined)
        assert.ok(decision.kind === 'orphan' || decision.kind === 'nothing', decision.kind);
      if (decision.kind === 'skip') {
        assert.equal(state.delivery?.sourceEtag, state.source?.etag);
        assert.equal(state.target?.etag, state.delivery?.targetEtag);
      }
      if (decision.kind !== 'act') return;
      const { action } = decision;
      if (action.op === 'adopt') {
        assert.equal(state.target?.etag, state.source?.etag);
        assert.equal(state.target?.sizeBytes, state.source?.sizeBytes);
        return;
      }
      // The write is conditional on exactly what was seen.
      assert.deepEqual(action.expected, state.target === undefined ? { absent: true } : { etag: state.target.etag });
      if (state.delivery === undefined && state.target !== undefined) assert.equal(options.overwrite, 'always');
    }),
    { numRuns: 2000 },
  );
});

test('an adoption carries what proves it', () => {
  const decision = adopt(source(), OTHER, `md5:${MD5}`);
  assert.deepEqual(act(decision), {
    op: 'adopt',
    key: 'k',
    sizeBytes: 5,
    etag: MD5,
    targetEtag: OTHER,
    checksum: `md5:${MD5}`,
  });
});
