/**
 * One listener for each signal, however many requests wait for it: those of a whole activity share one.
 *
 * Who waits stands in a place of a list and leaves nothing behind there. A signal lives long, so what hangs on it lies in V8's old space,
 * and whatever a dead thing of the old space points to is kept by small collections. The listeners of an EventTarget are chained, and
 * so are the tables of a Set as it is filled and emptied: each dead one kept the next, with its request and its answer, and copying
 * made seven times as many collections of the whole heap.
 */
const known = new WeakMap<AbortSignal, AbortListeners>();

/** Those of this signal. One that is aborted already calls nobody. */
export function abortListenersOf(signal: AbortSignal): AbortListeners {
  let listeners = known.get(signal);
  if (listeners === undefined) known.set(signal, (listeners = new AbortListeners(signal)));
  return listeners;
}

export class AbortListeners {
  readonly #places: ((() => void) | null)[] = [];
  readonly #free: number[] = [];

  constructor(signal: AbortSignal) {
    signal.addEventListener('abort', () => this.#tell(), { once: true });
  }

  add(listener: () => void): number {
    const free = this.#free.pop();
    if (free === undefined) return this.#places.push(listener) - 1;
    this.#places[free] = listener;
    return free;
  }

  /** Of whoever stands there: a place may be another's once it was given up. */
  leave(place: number, listener: () => void): void {
    if (this.#places[place] !== listener) return;
    this.#places[place] = null;
    this.#free.push(place);
  }

  #tell(): void {
    // A copy: who is told leaves its place, and another may take it.
    for (const listener of [...this.#places]) listener?.();
  }
}
