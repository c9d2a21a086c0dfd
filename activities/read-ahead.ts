/** Asks a stream for its next item while the one before it is being worked on, so that a store, Postgres and this process work at once. */

/** The same items; at most one is held besides the one that was given. The stream is closed however it ends. */
export async function* readAhead<T>(stream: AsyncIterable<T>): AsyncGenerator<T, void, void> {
  const iterator = stream[Symbol.asyncIterator]();
  const ask = (): Promise<IteratorResult<T>> => {
    const next = iterator.next();
    // It is looked at when its turn comes, or never, when the reader has stopped.
    next.catch(() => undefined);
    return next;
  };
  let next = ask();
  try {
    for (;;) {
      const result = await next;
      if (result.done === true) return;
      next = ask();
      yield result.value;
    }
  } finally {
    await next.catch(() => undefined);
    await iterator.return?.();
  }
}
