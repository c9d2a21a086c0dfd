/** Whoever waits for an answer, and may leave before it comes. A watch that costs nothing until it is used; AbortSignals cost 5 µs each. */
export interface Caller {
  readonly hasLeft: boolean;
  /** Calls it once, when the caller leaves before the answer is complete; now, when it has left already. The last one given counts. */
  onLeave(tell: () => void): void;
}

/** The same of a signal, for work that is not a request's own. */
export function callerOf(signal: AbortSignal): Caller {
  let before: (() => void) | null = null;
  return {
    get hasLeft() {
      return signal.aborted;
    },
    onLeave(tell) {
      if (before !== null) signal.removeEventListener('abort', before);
      before = tell;
      if (signal.aborted) tell();
      else signal.addEventListener('abort', tell, { once: true });
    },
  };
}
