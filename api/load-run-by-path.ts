/** The run that a path names. */
import Type from 'typebox';
import { WaybillError } from '../core/failures.ts';
import type { Ledger, RunRecord } from '../ledger/ledger.ts';

export const runPath = Type.Object({ id: Type.String({ description: 'the UUID of the run' }) });

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** @throws unknown_run, also for what is no UUID; ledger_unavailable */
export async function loadRunByPath(ledger: Ledger, id: string): Promise<RunRecord> {
  if (!UUID.test(id)) throw new WaybillError('unknown_run', 'a run is named by its UUID here', {});
  return ledger.loadRun(id.toLowerCase());
}
