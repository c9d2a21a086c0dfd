/** Waits for a run to close and shows how far it is: a bar on a terminal, plain lines elsewhere. Progress goes to stderr. */
import { Presets, SingleBar } from 'cli-progress';
import { isWaybillError } from '../core/failures.ts';
import { isClosed, isRunState } from '../core/run-state.ts';
import type { ApiClient, RunJson } from './api-client.ts';
import { createDescriber, type Described } from './describe-progress.ts';

/** Short at first, for a run over little takes a second. */
const POLL_MS = [100, 200, 300, 500, 1000];
/** The API may restart under us; the run does not mind. */
const OUTAGE_MS_MAX = 60_000;

export async function followRun(api: ApiClient, id: string, quiet: boolean): Promise<RunJson> {
  return poll(api, id, quiet, createDescriber(), (run) => isRunState(run.state) && isClosed(run.state));
}

/** Waits for a verification that is newer than the one that was known. */
export async function followVerification(api: ApiClient, started: RunJson, quiet: boolean): Promise<RunJson> {
  const before = started.verification?.checked_at ?? null;
  const isVerified = ({ verification }: RunJson): boolean =>
    verification !== null && verification.state !== 'running' && verification.checked_at !== before;
  // What the run itself did was done at another time.
  const describe = (run: RunJson): Described =>
    isVerified(run)
      ? { state: 'verified', text: `verified: ${run.verification?.state ?? ''}`, fraction: 1 }
      : { state: 'verifying', text: 'verifying what stands at the target', fraction: null };
  return poll(api, started.id, quiet, describe, isVerified);
}

async function poll(
  api: ApiClient,
  id: string,
  quiet: boolean,
  describe: (run: RunJson) => Described,
  isDone: (run: RunJson) => boolean,
): Promise<RunJson> {
  const view = quiet ? null : process.stderr.isTTY ? createBar() : createLines();
  let lastSeen = Date.now();
  try {
    for (let tries = 0; ; tries++) {
      try {
        const run = await api.send<RunJson>('GET', `/v1/runs/${id}`);
        lastSeen = Date.now();
        view?.show(describe(run));
        if (isDone(run)) return run;
      } catch (error) {
        if (!isWaybillError(error) || !isOutage(error.type) || Date.now() - lastSeen > OUTAGE_MS_MAX) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS[Math.min(tries, POLL_MS.length - 1)]));
    }
  } finally {
    view?.end();
  }
}

const isOutage = (type: string): boolean =>
  type === 'store_unreachable' || type === 'ledger_unavailable' || type === 'temporal_unavailable';

interface View {
  show(told: Described): void;
  end(): void;
}

function createBar(): View {
  const bar = new SingleBar(
    { stream: process.stderr, format: '{bar} {text}', clearOnComplete: false },
    Presets.shades_classic,
  );
  let started = false;
  return {
    show({ text, fraction }) {
      const done = fraction ?? 0;
      if (!started) bar.start(1, done, { text });
      started = true;
      bar.update(done, { text });
    },
    end: () => bar.stop(),
  };
}

/** One line for each change of state, and one for every tenth of the way. */
function createLines(): View {
  let last = '';
  return {
    show({ state, text, fraction }) {
      const key = `${state} ${fraction === null ? '' : Math.floor(fraction * 10)}`;
      if (key === last) return;
      last = key;
      process.stderr.write(`${text}\n`);
    },
    end: () => undefined,
  };
}
