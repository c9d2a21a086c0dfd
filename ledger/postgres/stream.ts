/** Reads rows in keyset pages, so that neither side holds more than one page and no connection is held between them. */

/** `loadAfter(last)` returns the rows after that row, in order; fewer than `limit` mean the end. */
export async function* readByPages<Row>(
  limit: number,
  loadAfter: (last: Row | undefined) => Promise<readonly Row[]>,
): AsyncGenerator<Row, void, void> {
  let last: Row | undefined;
  for (;;) {
    const rows = await loadAfter(last);
    yield* rows;
    if (rows.length < limit) return;
    last = rows.at(-1);
  }
}

/** The same, where the next page is loaded while one is read: one side holds two then, and both are at work. */
export async function* readByPagesAhead<Row>(
  limit: number,
  loadAfter: (last: Row | undefined) => Promise<readonly Row[]>,
): AsyncGenerator<Row, void, void> {
  let next: Promise<readonly Row[]> | null = loadAfter(undefined);
  while (next !== null) {
    const rows: readonly Row[] = await next;
    next = rows.length < limit ? null : loadAfter(rows.at(-1));
    // It is looked at when its turn comes, or never, when the reader has stopped.
    next?.catch(() => undefined);
    yield* rows;
  }
}
