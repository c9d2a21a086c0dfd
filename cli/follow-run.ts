/** Waits for a run to close and shows how far it is: a bar on a terminal, plain lines elsewhere. Progress goes to stderr. */
import { Presets, SingleBar } from 'cli-progress';
import { isWaybillError } from '../core/failures.ts';
import { isClosed, isRunState } from '../core/run-state.ts';
import type { ApiClient, RunJson } from './api-client.ts';
import { printBytes } from './print-run.ts';

/** Short at first, for a run over little takes a second. */
const POLL_MS = [100, 200, 300, 500, 1000];
/** The API may restart under us; the run does not mind. */
const OUTAGE_MS_MAX = 60_000;

export async function followRun(api: ApiClient, id: string, quiet: boolean): Promise<RunJson> {
  return poll(api, id, quiet, (run) => isRunState(run.state) && isClosed(run.state));
}

/** Waits for a verification that is newer than the one that was known. */
export async function followVerification(api: ApiClient, started: RunJson, quiet: boolean): Promise<RunJson> {
  const before = started.verification?.checked_at ?? null;
  return poll(api, started.id, quiet, ({ verification }) => {
    if (verification === null || verification.state === 'running') return false;
    return verification.checked_at !== before;
  });
}

async function poll(api: ApiClient, id: string, quiet: boolean, isDone: (run: RunJson) => boolean): Promise<RunJson> {
  const view = quiet ? null : process.stderr.isTTY ? createBar() : createLines();
  let lastSeen = Date.now();
  try {
    for (let tries = 0; ; tries++) {
      try {
        const run = await api.send<RunJson>('GET', `/v1/runs/${id}`);
        lastSeen = Date.now();
        view?.show(run);
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
  show(run: RunJson): void;
  end(): void;
}

function createBar(): View {
  const bar = new SingleBar(
    { stream: process.stderr, format: '{state} {bar} {value}/{total} objects · {bytes}', clearOnComplete: false },
    Presets.shades_classic,
  );
  let started = false;
  return {
    show(run) {
      const { done, total, bytes } = toCounts(run);
      const payload = { state: run.state.padEnd(10), bytes: printBytes(bytes) };
      if (started) bar.setTotal(total);
      else bar.start(total, done, payload);
      started = true;
      bar.update(done, payload);
    },
    end: () => bar.stop(),
  };
}

/** One line for each change of state, and one for every tenth of the way. */
function createLines(): View {
  let last = '';
  return {
    show(run) {
      const { done, total, bytes } = toCounts(run);
      const tenth = total === 0 ? 0 : Math.floor((done / total) * 10);
      const key = `${run.state} ${tenth}`;
      if (key === last) return;
      last = key;
      process.stderr.write(`${run.state} ${done}/${total} objects, ${printBytes(bytes)}\n`);
    },
    end: () => undefined,
  };
}

export function toCounts(run: RunJson): { done: number; total: number; bytes: number } {
  const { progress, totals } = run;
  if (run.ended_at !== null && (totals as RunJson['totals'] | null) !== null) {
    return {
      done: (totals['copied'] ?? 0) + (totals['adopted'] ?? 0),
      // Of a run that ended early also what it did not come to, or failed at.
      total: (totals['objects'] ?? 0) - (totals['skipped'] ?? 0),
      bytes: totals['copied_bytes'] ?? 0,
    };
  }
  const counts = progress?.counts;
  return {
    done: (counts?.copied ?? 0) + (counts?.adopted ?? 0),
    total: (progress?.plan?.to_copy ?? 0) + (progress?.plan?.to_adopt ?? 0),
    bytes: counts?.copied_bytes ?? 0,
  };
}
