/** Verifies a done run against its target, without writing anything. The receipt's verification is a row of the ledger. */
import type { Verification } from '../ledger/ledger.ts';
import { createActivityProxies } from './activity-proxies.ts';
import type { VerifyInput } from './types.ts';

export async function verify(input: VerifyInput): Promise<Verification> {
  return createActivityProxies(input.heartbeatTimeoutMs).verify({ runUuid: input.runUuid });
}
