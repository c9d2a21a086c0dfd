/** Holds every request of one kind at a proxy until it is let go, and says when the first has come. */
import { createGate, type FaultProxy, type ProxiedRequest } from './start-fault-proxy.ts';

export interface Held {
  /** The first has arrived. */
  readonly arrived: Promise<void>;
  /** Lets all of them pass, those to come as well. */
  release(): void;
}

/** The store has done what it was asked; its answer waits. */
export function holdRequests(proxy: FaultProxy, isHeld: (request: ProxiedRequest) => boolean): Held {
  const arrival = createGate();
  const gate = createGate();
  proxy.decide = (request) => {
    if (!isHeld(request)) return { kind: 'pass' };
    arrival.open();
    return { kind: 'hold-after', until: gate.opened };
  };
  return {
    arrived: arrival.opened,
    release() {
      proxy.decide = () => ({ kind: 'pass' });
      gate.open();
    },
  };
}
