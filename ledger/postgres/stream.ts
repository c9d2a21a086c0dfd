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
