/**
 * `npm run fuzz`: the parsers of the S3 endpoint and whole requests over sockets, in turns until the time is over (300 s in all, or
 * FUZZ_SECONDS). A failure prints its seed, its path and the smallest input that shows it; FUZZ_SEED repeats a run, FUZZ_ONLY
 * fuzzes the targets with that in their name. The last line counts the targets.
 */
import fc from 'fast-check';
import { askDamaged, askHonestly, damagedRequest, putSeed } from './support/fuzz-requests.ts';
import { FUZZ_TARGETS, runTarget } from './support/fuzz-targets.ts';
import { startStore } from './support/start-store.ts';

const seconds = Number(process.env['FUZZ_SECONDS'] ?? 300);
const firstSeed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);
/** Runs of one turn: small, so that every target gets its turns in a short run too. */
const PARSER_RUNS = 2_000;
const REQUEST_RUNS = 200;

const store = await startStore({ buckets: ['bucket', 'kept'], allowUnsignedPayload: true });
await putSeed(store);

interface Campaign {
  readonly name: string;
  readonly turn: (seed: number) => Promise<void>;
  runs: number;
  failure: unknown;
}

const parsers = FUZZ_TARGETS.map((target): Campaign => {
  const campaign: Campaign = {
    name: target.name,
    runs: 0,
    failure: null,
    turn: async (seed) => {
      if (campaign.runs === 0) for (const text of target.pathological) runTarget(target, text);
      fc.assert(
        fc.property(target.input, (text) => {
          campaign.runs += 1;
          runTarget(target, text);
        }),
        { numRuns: PARSER_RUNS, seed },
      );
      await Promise.resolve();
    },
  };
  return campaign;
});
const requests: Campaign = {
  name: 'whole requests',
  runs: 0,
  failure: null,
  turn: async (seed) => {
    await fc.assert(
      fc.asyncProperty(damagedRequest, async (request) => {
        requests.runs += 1;
        await askDamaged(store, request);
      }),
      { numRuns: REQUEST_RUNS, seed },
    );
    await askHonestly(store);
  },
};

/** Part of a name, to fuzz that one alone. */
const only = process.env['FUZZ_ONLY'] ?? '';
const campaigns = [...parsers, requests].filter(({ name }) => name.includes(only));
const until = Date.now() + seconds * 1000;
console.log(`fuzzing ${String(campaigns.length)} targets for ${String(seconds)} s, FUZZ_SEED=${String(firstSeed)}`);
for (let round = 0; round === 0 || Date.now() < until; round++) {
  for (const campaign of campaigns) {
    if (campaign.failure !== null || (round > 0 && Date.now() >= until)) continue;
    try {
      await campaign.turn((firstSeed + round) | 0);
    } catch (error) {
      campaign.failure = error;
    }
  }
  if (campaigns.every(({ failure }) => failure !== null)) break;
}
await store.close();

for (const { name, runs, failure } of campaigns) {
  console.log(`${failure === null ? 'ok    ' : 'FAILED'} ${name}: ${String(runs)} inputs`);
  if (failure !== null) console.log(failure);
}
const failed = campaigns.filter(({ failure }) => failure !== null).length;
console.log(`${String(campaigns.length - failed)} passed, ${String(failed)} failed`);
process.exitCode = failed === 0 ? 0 : 1;
