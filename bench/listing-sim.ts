/**
 * The plan of the lister (activities/list/) in virtual time: by default 4,000,000 keys, 64 requests in flight, 100 ms a LIST (a tenth more
 * or less) and 5 ms a commit, so that a serial listing takes 400 s and the ideal is 6.25 s. Every key is counted; a wrong count is a
 * failure. `node --import tsx bench/listing-sim.ts [KEYS] [IN_FLIGHT] [LATENCY_MS] [NAME]`, TRACE=1 for what is under way.
 */
import { InFlightLimit } from '../activities/list/in-flight-limit.ts';
import { Ladder, type Ask } from '../activities/list/ladder.ts';
import { areRangesWorthIt } from '../activities/list/lister.ts';
import { Ranges, type KeyPage } from '../activities/list/ranges.ts';
import { countUpTo, createKeySpaces, type KeySpace } from './listing-keys.ts';
import { readArguments, takeAtMost, toCount, toNamed } from './run/arguments.ts';

const { keys, inFlightMax, latencyMs, spaces } = readArguments(
  'node --import tsx bench/listing-sim.ts [KEYS] [IN_FLIGHT] [LATENCY_MS] [NAME]',
  (args) => {
    const [keysText = '4000000', inFlightText = '64', latencyText = '100', only = ''] = takeAtMost(args, 4);
    const count = toCount('KEYS', keysText);
    return {
      keys: count,
      inFlightMax: toCount('IN_FLIGHT', inFlightText),
      latencyMs: toCount('LATENCY_MS', latencyText),
      spaces: toNamed('NAME', only, createKeySpaces(count)),
    };
  },
);
const isTraced = process.env['TRACE'] !== undefined;
const COMMIT_MS = 5;
const PAGE = 1000;

function toPage(space: KeySpace, from: number): KeyPage {
  const count = Math.min(PAGE, space.count - from);
  return {
    count,
    keyAt: (index) => space.keyAt(from + index),
    countUpTo: (key) => Math.min(count, Math.max(0, countUpTo(space, key) - from)),
    token: from + count < space.count ? String(from + count) : null,
  };
}

function toStart(space: KeySpace, ask: Ask): number {
  if (ask.kind === 'probe') return countUpTo(space, ask.pivot);
  if (ask.token !== null) return Number(ask.token);
  return ask.startAfter === null ? 0 : countUpTo(space, ask.startAfter);
}

interface Simulated {
  readonly wallMs: number;
  readonly requests: number;
  readonly wasted: number;
  readonly ranges: number;
  readonly listed: number;
}

function simulate(space: KeySpace): Simulated {
  const ranges = new Ranges([{ ordinal: 0, after: null, until: null, cursor: null, done: false }]);
  const ladder = new Ladder(ranges, '');
  const limit = new InFlightLimit({ max: inFlightMax });
  /** What is to come, the next at the end. */
  const events: { readonly at: number; readonly happen: () => void }[] = [];
  let now = 0;
  let requests = 0;
  let inFlight = 0;
  let listed = 0;
  let pages = 0;
  let isAsked = false;
  let isRanging = false;
  let traceAt = 0;

  const after = (ms: number, happen: () => void): void => {
    const at = now + ms;
    let index = events.length;
    while (index > 0 && (events[index - 1]?.at ?? 0) <= at) index -= 1;
    events.splice(index, 0, { at, happen });
  };
  const request = (answered: () => void): void => {
    requests += 1;
    inFlight += 1;
    const tookMs = latencyMs * (0.9 + 0.2 * ((requests * 0.618) % 1));
    after(tookMs, () => {
      inFlight -= 1;
      limit.answered(now, tookMs);
      answered();
      go();
    });
  };
  const take = (ask: Ask): void => {
    const arrival = ladder.arrived(ask, toPage(space, toStart(space, ask)));
    if (arrival === null) return;
    if (arrival.kind !== 'taken') throw new Error(arrival.kind);
    const { range, count } = arrival.taken;
    listed += count;
    pages += 1;
    if (!isAsked && !range.done && areRangesWorthIt(pages, limit.usualMs)) {
      isAsked = true;
      request(() => (isRanging = true));
    }
    if (range.recorded) return;
    after(COMMIT_MS, () => {
      range.recorded = true;
      go();
    });
  };
  const go = (): void => {
    // Before that one page at a time, and the question beside one.
    const slots = isRanging ? limit.current : isAsked ? 2 : 1;
    const asks = ladder.next(slots - inFlight, isRanging);
    for (const ask of asks) request(() => take(ask));
    if (isTraced && now >= traceAt) {
      traceAt = now + 100;
      const live = ranges.all.filter(({ done }) => !done).length;
      const { useful, wasted } = ladder.counts;
      console.log(
        `  ${(now / 1000).toFixed(1)} s: ${String(inFlight)} of ${String(slots)} in flight, ${String(live)} ranges, ${String(useful)} pages, ${String(wasted)} wasted`,
      );
    }
  };
  go();
  // What is asked for in vain is waited for.
  while (!ladder.isDone || inFlight > 0) {
    const event = events.pop();
    if (event === undefined) throw new Error('nothing is under way');
    now = event.at;
    event.happen();
  }
  return { wallMs: now, requests, wasted: ladder.counts.wasted, ranges: ranges.all.length, listed };
}

const idealMs = (Math.ceil(keys / PAGE) / inFlightMax) * latencyMs;
console.log(
  `${String(keys)} keys, ${String(inFlightMax)} in flight, ${String(latencyMs)} ms a LIST: ideal ${(idealMs / 1000).toFixed(2)} s`,
);
for (const space of spaces) {
  const { wallMs, requests, wasted, ranges, listed } = simulate(space);
  const cells = [
    space.name.padEnd(26),
    `${(wallMs / 1000).toFixed(2).padStart(6)} s`,
    `× ${(wallMs / idealMs).toFixed(2)} of the ideal`,
    `× ${((requests * PAGE) / keys).toFixed(3)} of the requests`,
    `${String(wasted).padStart(4)} wasted`,
    `${String(ranges).padStart(4)} ranges`,
    listed === space.count ? 'every key once' : `WRONG: ${String(listed)} keys`,
  ];
  console.log(cells.join('  '));
  if (listed !== space.count) process.exitCode = 1;
}
