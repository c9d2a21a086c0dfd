/**
 * How far a run is, in one line. It is made of all that was heard of the attempt, and never goes back: when a worker dies the API can
 * tell the run's state alone, from its row, and what the worker had told before is true still.
 */
import { isClosed, isRunState, LIVE_STATES } from '../core/run-state.ts';
import type { RunJson } from './api-client.ts';
import { printBytes } from './print-run.ts';

export interface Described {
  /** The first word of the text, or what it stands for. */
  readonly state: string;
  readonly text: string;
  /** Of the objects that are to be copied or adopted, 0 to 1; null: it is not known how many they are. */
  readonly fraction: number | null;
}

/** What was heard of one attempt. */
interface Heard {
  readonly attempt: number;
  readonly state: string;
  /** Objects that were listed; null: not known yet. */
  readonly listed: number | null;
  readonly plan: { readonly total: number; readonly unchanged: number } | null;
  readonly done: number;
  readonly bytes: number;
  readonly failed: number;
}

const NOTHING: Omit<Heard, 'attempt'> = { state: 'accepted', listed: null, plan: null, done: 0, bytes: 0, failed: 0 };

/** For one run: told each time what the API says, it says how far the run is. */
export function createDescriber(): (run: RunJson) => Described {
  let heard: Heard | null = null;
  return (run) => {
    const before = heard?.attempt === run.attempt ? heard : { attempt: run.attempt, ...NOTHING };
    heard = hear(before, run);
    const isEnd = isRunState(run.state) && isClosed(run.state);
    return {
      state: isEnd ? run.state : heard.state,
      text: isEnd ? describeEnd(run, heard) : describeLive(heard),
      fraction: run.state === 'done' ? 1 : toFraction(heard),
    };
  };
}

function hear(before: Heard, run: RunJson): Heard {
  const { progress } = run;
  const plan = progress?.plan;
  const counts = progress?.counts;
  return {
    attempt: before.attempt,
    // A row follows its workflow a moment later, and knows of no pause.
    state: progress?.source === 'ledger' && isBehind(run.state, before.state) ? before.state : run.state,
    listed: progress?.manifest?.objects ?? before.listed,
    plan: plan ? { total: plan.to_copy + plan.to_adopt, unchanged: plan.skipped } : before.plan,
    done: Math.max(before.done, (counts?.copied ?? 0) + (counts?.adopted ?? 0)),
    bytes: Math.max(before.bytes, counts?.copied_bytes ?? 0),
    failed: Math.max(before.failed, counts?.failed ?? 0),
  };
}

/** `paused` stands after all but the last of the states that it may have come from. */
function isBehind(state: string, known: string): boolean {
  const order: readonly string[] = LIVE_STATES;
  return order.includes(state) && order.indexOf(state) < order.indexOf(known);
}

function toFraction({ done, plan }: Heard): number | null {
  if (plan === null) return null;
  return plan.total === 0 ? 1 : Math.min(1, done / plan.total);
}

function describeLive(heard: Heard): string {
  const { state, listed, plan } = heard;
  if (plan !== null && plan.total === 0) return `${state}: nothing to copy, ${count(plan.unchanged)} unchanged`;
  if (plan !== null) return `${state} ${printDone(heard, plan.total)}`;
  return listed === null ? state : `${state}: ${count(listed)} objects listed`;
}

function describeEnd(run: RunJson, heard: Heard): string {
  const totals = run.totals as RunJson['totals'] | null;
  if (totals === null) {
    // One that broke off has no totals; batches that ended since it was last heard of are not in this.
    return heard.plan === null || heard.done === 0
      ? run.state
      : `${run.state}, at least ${printDone(heard, heard.plan.total)}`;
  }
  const of = (name: string): number => totals[name] ?? 0;
  const isPlan = run.mode === 'plan';
  const bytes = of('copied') === 0 ? '' : ` (${printBytes(of('copied_bytes'))})`;
  const left = of('objects') - of('copied') - of('adopted') - of('skipped');
  const parts = [
    `${count(of('copied'))} ${isPlan ? 'to copy' : 'copied'}${bytes}`,
    ...(of('adopted') > 0 ? [`${count(of('adopted'))} ${isPlan ? 'to adopt' : 'adopted'}`] : []),
    `${count(of('skipped'))} unchanged`,
    ...(left > 0 ? [`${count(left)} ${isPlan ? 'refused' : 'not copied'}`] : []),
  ];
  return `${isPlan && run.state === 'done' ? 'planned' : run.state}: ${parts.join(', ')}`;
}

const printDone = ({ done, bytes, failed }: Heard, total: number): string =>
  `${count(done)}/${count(total)} objects, ${printBytes(bytes)}${failed === 0 ? '' : `, ${count(failed)} failed`}`;

const count = (objects: number): string => objects.toLocaleString('en-US');
