/** Pages: what a reader asks with, and what comes back. */
import Type from 'typebox';

export const pageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50, description: 'items on the page' })),
  cursor: Type.Optional(
    Type.String({ minLength: 1, maxLength: 4096, description: 'the next_cursor of the page before; opaque' }),
  ),
};

export const pageSchema = (what: string, item: Type.TSchema) =>
  Type.Object(
    {
      items: Type.Array(item),
      next_cursor: Type.Unsafe<string | null>({ type: ['string', 'null'], description: 'null on the last page' }),
    },
    { description: `a page of ${what}` },
  );
