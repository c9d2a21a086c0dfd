/** One sentence at the end: an outage or not, and whose side it is on. And the exit code that says the same to a script. */
import type { Outcome, Side, Status } from './check.ts';

export interface NamedOutcome extends Outcome {
  readonly id: string;
  readonly title: string;
}

export interface Verdict {
  /** Null: it cannot be told from here. */
  readonly isOutage: boolean | null;
  readonly side: Side | null;
  readonly sentence: string;
  readonly exitCode: 0 | 1 | 3 | 4;
}

const WHOSE: Readonly<Record<Side, string>> = {
  yours: 'on your side',
  between: 'between you and the service',
  service: "on the service's side",
};

export function judge(outcomes: readonly NamedOutcome[], host: string): Verdict {
  const byId = new Map(outcomes.map((outcome) => [outcome.id, outcome]));
  const reach = byId.get('reach');
  const baseline = byId.get('baseline');
  if (reach?.status === 'fail' && reach.side !== 'yours') {
    const side = reach.side;
    return {
      isOutage: null,
      side,
      sentence: `Nothing answers at ${host}: it may be an outage, which cannot be told from here, and the fault is ${WHOSE[side ?? 'between']} or in the address: ${reach.cause ?? ''}.`,
      exitCode: 4,
    };
  }
  if (baseline?.status === 'fail' && baseline.side === 'service')
    return {
      isOutage: true,
      side: 'service',
      sentence: `It looks like an outage of ${host}, ${WHOSE.service}: ${baseline.cause ?? ''}.`,
      exitCode: 1,
    };
  const first = mostTelling(outcomes, 'fail', CAUSES_FIRST);
  if (first !== undefined) {
    const side = first.side ?? 'yours';
    return {
      isOutage: false,
      side,
      sentence: `Not an outage: ${host} answers, and the fault is ${WHOSE[side]}: ${first.cause ?? first.title}.`,
      exitCode: 1,
    };
  }
  if (baseline?.status === 'could not run')
    return {
      isOutage: null,
      side: null,
      sentence: `Not settled: ${host} answers, but no signed request could be judged: ${baseline.evidence.at(-1) ?? ''}.`,
      exitCode: 3,
    };
  const warned = mostTelling(outcomes, 'warn', BASELINE_FIRST);
  if (warned !== undefined) {
    const side = warned.side ?? 'yours';
    return {
      isOutage: false,
      side,
      sentence: `Not an outage: a signed request holds at ${host}; what was noticed is ${WHOSE[side]}: ${warned.cause ?? warned.title}.`,
      exitCode: 3,
    };
  }
  return {
    isOutage: false,
    side: null,
    sentence: `Not an outage: a signed request holds at ${host}; a request that still fails does so on your side, in the settings of its SDK or application.`,
    exitCode: 0,
  };
}

const CAUSES = ['reach', 'clock', 'region', 'addressing', 'rewrite', 'key', 'credentials', 'identity', 'endpoint'];
/** A notice about the file of some other client is told only where nothing else is. */
const NOTICES = ['capabilities', 'sigv2'];
/** What a request fails of comes before the request that fails of it. */
const CAUSES_FIRST = [...CAUSES, 'baseline', 'aws-cli', ...NOTICES];
/** A warning fails no request, so that none explains the answer to the baseline: that comes first. */
const BASELINE_FIRST = ['baseline', ...CAUSES, 'aws-cli', ...NOTICES];

function mostTelling(
  outcomes: readonly NamedOutcome[],
  wanted: Status,
  order: readonly string[],
): NamedOutcome | undefined {
  const found = outcomes.filter(({ status }) => status === wanted);
  return found.sort((a, b) => order.indexOf(a.id) - order.indexOf(b.id))[0];
}
