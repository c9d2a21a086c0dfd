/** A list of faults for a proxy, each for the requests that it names and for so many of them. */
import type { Fault, FaultProxy, ProxiedRequest } from './start-fault-proxy.ts';

export interface PlannedFault {
  readonly match: (request: ProxiedRequest) => boolean;
  /** Made anew for every request, so that it may begin something behind the service's back. */
  readonly fault: () => Fault;
  /** Default: once. */
  readonly times?: number;
}

/** The first planned fault that matches and is not used up is what the request meets. */
export function planFaults(proxy: FaultProxy, planned: readonly PlannedFault[]): { unused(): number; clear(): void } {
  const left = planned.map(({ times = 1 }) => times);
  proxy.decide = (request) => {
    const index = planned.findIndex(({ match }, at) => (left[at] ?? 0) > 0 && match(request));
    if (index < 0) return { kind: 'pass' };
    left[index] = (left[index] ?? 0) - 1;
    return planned[index]?.fault() ?? { kind: 'pass' };
  };
  return {
    /** How many of the planned faults never met their request. */
    unused: () => left.filter((times, index) => times === (planned[index]?.times ?? 1)).length,
    clear() {
      proxy.decide = () => ({ kind: 'pass' });
    },
  };
}

/** Requests of one object (path-style), by method. */
export const toObject =
  (method: string, path: string) =>
  ({ method: sent, url }: ProxiedRequest): boolean =>
    sent === method && (url === path || url.startsWith(`${path}?`));

/** Listings under a prefix. */
export const toListing =
  (prefix: string) =>
  ({ method, url }: ProxiedRequest): boolean =>
    method === 'GET' && url.includes('list-type=2') && url.includes(`prefix=${encodeURIComponent(prefix)}`);
