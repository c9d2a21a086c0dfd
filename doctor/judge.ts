/** One sentence at the end: an outage or not, and whose side it is on. And the exit code that says the same to a script. */
import type { Outcome, Side } from './check.ts';

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
  const failed = outcomes.filter(({ status }) => status === 'fail');
  // What is told of a cause comes before what only follows from it.
  const [first] = [...failed].sort((a, b) => rank(a) - rank(b));
  if (first !== undefined) {
    const side = first.side ?? 'yours';
    return {
      isOutage: false,
      side,
      sentence: `Not an outage: ${host} answers, and the fault is ${WHOSE[side]}: ${first.cause ?? first.title}.`,
      exitCode: 1,
    };
  }
  const warned = outcomes.find(({ status }) => status === 'warn');
  if (baseline?.status === 'could not run')
    return {
      isOutage: null,
      side: null,
      sentence: `Not settled: ${host} answers, but no signed request could be judged: ${baseline.evidence.at(-1) ?? ''}.`,
      exitCode: 3,
    };
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

const ORDER = ['reach', 'clock', 'region', 'addressing', 'rewrite', 'key', 'credentials', 'identity', 'endpoint'];
const rank = ({ id }: NamedOutcome): number => (ORDER.includes(id) ? ORDER.indexOf(id) : ORDER.length);
