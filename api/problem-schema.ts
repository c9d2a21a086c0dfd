/** The JSON of a problem, and how it is documented for every route. */
import Type from 'typebox';

export const problemSchema = Type.Object(
  {
    type: Type.String({ description: '/problems/ and a row of the failure table, or about:blank' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    hint: Type.Optional(Type.String({ description: 'what a person does about it' })),
    request_id: Type.Optional(Type.String({ description: 'the same as in the log' })),
    details: Type.Optional(
      Type.Record(Type.String(), Type.Unsafe({ type: ['string', 'number', 'boolean', 'null'] }), {
        description: 'values that explain the failure',
      }),
    ),
    errors: Type.Optional(
      Type.Array(Type.Object({ field: Type.String(), message: Type.String() }), {
        description: 'the fields that are wrong',
      }),
    ),
  },
  { $id: 'Problem' },
);

const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
});

const MEANINGS = {
  400: 'the request is malformed',
  401: 'no valid token',
  403: 'the role of the token does not allow this',
  404: 'there is no such thing',
  409: 'the state of things does not allow this',
  410: 'it was pruned',
  429: 'too many requests',
  503: 'Postgres or Temporal does not answer; come back after Retry-After',
} as const;

/** The answers of a route that are problems: those that it names, and those that every route may give. */
export function problems(...statuses: (keyof typeof MEANINGS)[]): Record<number, unknown> {
  const all = new Set<keyof typeof MEANINGS>([...statuses, 400, 401, 403, 429, 503]);
  return Object.fromEntries([...all].map((status) => [status, problem(MEANINGS[status])]));
}
