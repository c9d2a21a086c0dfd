/** Asks a stream for its next item while the one before it is being worked on, so that a store, Postgres and this process work at once. */

/**
 * The same items; at most `depth` are held besides the one that was given, beginning when the first is asked for. The stream is closed
 * however it ends.
 */
export async function* readAhead<T>(stream: AsyncIterable<T>, depth = 1): AsyncGenerator<T, void, void> {
  const iterator = stream[Symbol.asyncIterator]();
  const asked: Promise<IteratorResult<T>>[] = [];
  const ask = (): void => {
    const next = iterator.next();
    // It is looked at when its turn comes, or never, when the reader has stopped.
    next.catch(() => undefined);
    asked.push(next);
  };
  while (asked.length < depth) ask();
  try {
    for (let next = asked.shift(); next !== undefined; next = asked.shift()) {
      const result = await next;
      if (result.done === true) return;
      ask();
      yield result.value;
    }
  } finally {
    await Promise.allSettled(asked);
    await iterator.return?.();
  }
}
