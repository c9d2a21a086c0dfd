/**
 * Points of a run where a request to a store stands still, so that a test can kill somebody exactly there. All requests that match are
 * held, also what a retry sends, until the gate is opened.
 */
import { createGate, type Fault, type FaultProxy, type ProxiedRequest } from './start-fault-proxy.ts';

export interface Point {
  readonly matches: (request: ProxiedRequest) => boolean;
  /** `before` the store sees it, or `after` it had its effect. */
  readonly hold: 'before' | 'after';
}

export interface HeldPoint {
  /** Resolves when the first request stands still: with `after`, when the store has done it. */
  readonly reached: Promise<void>;
  /** How many requests have stood still. */
  count(): number;
  /** Everything later passes; what stands still goes on standing. */
  passLater(): void;
  /** Lets all go on, and everything later pass. */
  open(): void;
}

/** Holds at these points of one proxy, by name; everything else passes. */
export function holdAt<Name extends string>(
  proxy: FaultProxy,
  points: Readonly<Record<Name, Point>>,
): Readonly<Record<Name, HeldPoint>> {
  const held = Object.entries<Point>(points).map(([name, point]) => {
    const gate = createGate();
    const arrival = createGate();
    let count = 0;
    let isOpen = false;
    // The proxy asks for `then` when it starts to wait, and that is the moment.
    const until = {
      then(resolve: () => void): void {
        count += 1;
        arrival.open();
        void gate.opened.then(resolve);
      },
    } as unknown as Promise<void>;
    const fault: Fault = { kind: `hold-${point.hold}`, until };
    return {
      name,
      decide: (request: ProxiedRequest): Fault | null => (!isOpen && point.matches(request) ? fault : null),
      held: {
        reached: arrival.opened,
        count: () => count,
        passLater: (): void => {
          isOpen = true;
        },
        open: (): void => {
          isOpen = true;
          gate.open();
        },
      },
    };
  });
  proxy.decide = (request) => {
    for (const { decide } of held) {
      const fault = decide(request);
      if (fault !== null) return fault;
    }
    return { kind: 'pass' };
  };
  return Object.fromEntries(held.map((entry) => [entry.name, entry.held])) as Record<Name, HeldPoint>;
}

/** A request for this object (path without query), by method and by what its query holds. */
export function toRequest(method: string, path: string, query: string | null = null) {
  return (request: ProxiedRequest): boolean => {
    const [found = '', rest = ''] = request.url.split('?');
    if (request.method !== method || found !== path) return false;
    return query === null
      ? rest === ''
      : rest.split('&').some((pair) => pair === query || pair.startsWith(`${query}=`));
  };
}

/** A PUT of anything whose path starts so. */
export const toPut = (pathPrefix: string) => (request: ProxiedRequest) =>
  request.method === 'PUT' && request.url.startsWith(pathPrefix);

/** A page of the listing of a bucket under this prefix. */
export const toListingOf = (bucket: string, prefix: string) => (request: ProxiedRequest) =>
  request.method === 'GET' &&
  request.url.startsWith(`/${bucket}?`) &&
  request.url.includes(`prefix=${encodeURIComponent(prefix)}`);
