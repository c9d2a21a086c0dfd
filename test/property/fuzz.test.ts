/** The short form of `npm run fuzz`: every parser, and whole requests, against damaged and pathological input. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { askDamaged, askHonestly, damagedRequest, putSeed } from '../support/fuzz-requests.ts';
import { FUZZ_TARGETS, runTarget } from '../support/fuzz-targets.ts';
import { startStore, type StartedStore } from '../support/start-store.ts';

/** Of the processor's time, not of the clock's: linear work on 64 KiB takes milliseconds, a backtracking expression minutes. */
const CPU_MS_MAX = 5_000;

for (const target of FUZZ_TARGETS) {
  test(`${target.name}: whatever comes is read or refused`, () => {
    fc.assert(
      fc.property(target.input, (text) => runTarget(target, text)),
      { numRuns: 400 },
    );
  });
  test(`${target.name}: 64 KiB of almost nothing cost little`, () => {
    for (const text of target.pathological) {
      const before = process.cpuUsage();
      runTarget(target, text);
      const spent = process.cpuUsage(before);
      assert.ok(
        (spent.user + spent.system) / 1000 < CPU_MS_MAX,
        `${text.slice(0, 60)} took ${String(spent.user / 1000)} ms`,
      );
    }
  });
}

let store: StartedStore;
before(async () => {
  store = await startStore({ buckets: ['bucket', 'kept'], allowUnsignedPayload: true });
  await putSeed(store);
});
after(() => store.close());

test('requests with damaged bytes are answered or closed, never with a 5xx', async () => {
  await fc.assert(
    fc.asyncProperty(damagedRequest, (request) => askDamaged(store, request)),
    { numRuns: 250 },
  );
  await askHonestly(store);
});
