/** A probe whose failing is no failure of the check. */
import type { Examination } from './check.ts';
import { ReachFailure } from './open-socket.ts';
import type { Answer, ProbeRequest } from './send-probe.ts';

/** Null when no answer came. */
export async function tryProbe({ send }: Examination, request: ProbeRequest): Promise<Answer | null> {
  try {
    return await send(request);
  } catch (error) {
    if (error instanceof ReachFailure) return null;
    throw error;
  }
}
