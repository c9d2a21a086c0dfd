/** Everything that was started, and stopping it: the last first, what is still starting too, and once, however often it is asked for. */
export class Running {
  readonly #stops: (() => Promise<unknown>)[] = [];
  readonly #controller = new AbortController();
  readonly #say: (line: string) => void;
  #ending: Promise<void> | undefined;

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  /** Aborted as soon as all is to stop. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** A start that fails leaves nothing of its own. @throws the signal's reason when all is to stop already */
  start<T>(begin: () => Promise<T>, stop: (started: T) => Promise<unknown>): Promise<T> {
    this.signal.throwIfAborted();
    const starting = begin();
    this.#stops.push(() => starting.then(stop, () => undefined));
    return starting;
  }

  stopAll(): Promise<void> {
    return (this.#ending ??= this.#stopEach());
  }

  async #stopEach(): Promise<void> {
    this.#controller.abort(new Error('all is to stop'));
    for (let stop = this.#stops.pop(); stop !== undefined; stop = this.#stops.pop()) {
      try {
        await stop();
      } catch (error) {
        // The others are stopped all the same.
        this.#say(`could not be stopped: ${String(error)}`);
      }
    }
  }
}
