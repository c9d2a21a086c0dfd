/** A page as columns, as adapters have them that lend: when it is given back, all that it said is overwritten. */
import type { ListPage } from '../../stores/store.ts';
import { ColumnPage } from '../../stores/s3/column-page.ts';

export function lendPage({ objects, nextContinuationToken }: ListPage): ListPage {
  const pieces = objects.flatMap(({ key, etag }) => [Buffer.from(key), Buffer.from(etag)]);
  const ends = new Uint32Array(pieces.length);
  let bytes = 0;
  for (const [at, { length }] of pieces.entries()) ends[at] = bytes += length;
  const text = Buffer.concat(pieces);
  const sizes = Float64Array.from(objects, ({ sizeBytes }) => sizeBytes);
  const modifiedMs = Float64Array.from(objects, ({ lastModifiedMs }) => lastModifiedMs);
  const isAscii = text.every((byte) => byte < 0x80);
  return new ColumnPage(
    { count: objects.length, text, isAscii, ends, sizes, modifiedMs },
    {
      ...(nextContinuationToken === undefined ? {} : { nextContinuationToken }),
      giveBack() {
        text.fill('~');
        ends.fill(0);
        sizes.fill(9);
      },
    },
  );
}
