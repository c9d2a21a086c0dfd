/** The kinds of field that `waybill.yaml` is made of. A description completes the sentence "expected …" in an error message. */
import Type from 'typebox';

export const NAME_PATTERN = '^[a-z0-9][a-z0-9_-]{0,62}$';

export const closed = { additionalProperties: false } as const;
export const text = (description: string) => Type.String({ minLength: 1, description });
export const flag = (description: string) => Type.Boolean({ description });
export const oneOf = <const Values extends readonly string[]>(values: Values, description: string) =>
  Type.Unsafe<Values[number]>({ type: 'string', enum: values, description });

type SecretRef = `env:${string}` | `file:${string}`;
const SECRET_REF_PATTERN = '^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$';
export const secretRef = (what: string) =>
  Type.Unsafe<SecretRef>({
    type: 'string',
    pattern: SECRET_REF_PATTERN,
    writeOnly: true,
    description: `${what} as a reference, env:NAME or file:PATH; a secret itself is never written here`,
  });
/** One reference, or two while a secret is being replaced. */
export const secretRefs = (what: string) =>
  Type.Unsafe<SecretRef | readonly SecretRef[]>({
    type: ['string', 'array'],
    pattern: SECRET_REF_PATTERN,
    items: { type: 'string', pattern: SECRET_REF_PATTERN, writeOnly: true, description: 'env:NAME or file:PATH' },
    minItems: 1,
    maxItems: 2,
    writeOnly: true,
    description: `${what} as a reference, env:NAME or file:PATH, or a list of two; a secret itself is never written here`,
  });
/** A number with its unit. The examples end the description of each such field. */
export const DURATION = {
  pattern: '^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d)$',
  noun: 'a duration',
  examples: 'as 500ms, 30s, 5m, 1h, 1d or a number of seconds',
} as const;
export const duration = (what: string) =>
  Type.Unsafe<string | number>({
    type: ['string', 'number'],
    pattern: DURATION.pattern,
    minimum: 0,
    description: `${what}, ${DURATION.examples}`,
  });
export const SIZE = {
  pattern: '^[0-9]+(\\.[0-9]+)? ?(B|[kK]B|MB|GB|TB|KiB|MiB|GiB|TiB)$',
  noun: 'a size',
  examples: 'as 5MiB, 1GB or a number of bytes',
} as const;
export const size = (what: string) =>
  Type.Unsafe<string | number>({
    type: ['string', 'integer'],
    pattern: SIZE.pattern,
    minimum: 0,
    description: `${what}, ${SIZE.examples}`,
  });
export const listen = (what: string) =>
  Type.String({ pattern: '^(\\[[0-9a-fA-F:]+\\]|[A-Za-z0-9.-]+):[0-9]{1,5}$', description: `${what} as HOST:PORT` });
export const price = (what: string) => Type.Number({ minimum: 0, description: `the price ${what}` });
/** A map from names to entries; a name becomes part of workflow ids, metric labels and URLs. */
export const named = <Entry extends Type.TSchema>(entry: Entry, description: string) =>
  Type.Record(Type.String({ pattern: NAME_PATTERN }), entry, { ...closed, description });
export const strings = (description: string) => Type.Array(Type.String({ minLength: 1, description }), { description });
