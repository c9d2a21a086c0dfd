/**
 * What the schema expects of a field, and what stands there instead, in words. A value that may be a misplaced secret is not
 * repeated: shown are numbers, and short texts where only a number, a unit, an address or one of a few words can stand.
 */
import type { ConfigPath } from './problems.ts';
import { configSchema } from './schema.ts';
import { DURATION, SIZE } from './schema-fields.ts';

export interface SchemaNode {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly enum?: readonly unknown[];
  readonly writeOnly?: boolean;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly patternProperties?: Readonly<Record<string, unknown>>;
  readonly items?: unknown;
}

/** Longer than a duration, a size or a word that is allowed, and shorter than an access key. */
const SHOWN_LENGTH_MAX = 18;

/** Empty for a field that there is not. */
export function findSchema(path: ConfigPath): SchemaNode {
  let node: SchemaNode = configSchema;
  for (const segment of path) {
    const entries = Object.values(node.patternProperties ?? {})[0];
    node = (typeof segment === 'number' ? node.items : (node.properties?.[segment] ?? entries)) ?? {};
  }
  return node;
}

/** The form first, then what the field is for. */
export function describeExpected(schema: SchemaNode): string | undefined {
  const { description, pattern } = schema;
  if (description === undefined) return undefined;
  const scalar = [DURATION, SIZE].find((one) => one.pattern === pattern);
  if (scalar !== undefined) {
    return `${scalar.noun}, ${scalar.examples}: ${description.replace(`, ${scalar.examples}`, '')}`;
  }
  const form = nameForm(schema);
  return form === null ? description : `${form}: ${description}`;
}

/** Null where the description says it. */
function nameForm(schema: SchemaNode): string | null {
  const { type, properties, patternProperties, minimum, maximum } = schema;
  switch (type) {
    case 'object': {
      if (patternProperties !== undefined) return 'a map from names';
      const names = Object.keys(properties ?? {});
      return schema === configSchema ? null : `a map (${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''})`;
    }
    case 'array':
      return 'a list';
    case 'boolean':
      return 'true or false';
    case 'integer':
      return `a whole number of ${String(minimum)} to ${String(maximum)}`;
    case 'number':
      return `a number of ${String(minimum)} or more`;
    default:
      return null;
  }
}

/** The end of a message, or nothing where it would tell nothing. */
export function describeFound(value: unknown, schema: SchemaNode): string {
  const found = nameFound(value, schema);
  return found === null ? '' : `; found ${found}`;
}

function nameFound(value: unknown, schema: SchemaNode): string | null {
  const { type, pattern, enum: words, writeOnly = false } = schema;
  const types = [type].flat();
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return types.includes('array') ? null : 'a list';
  // Whoever writes one value where a pair of references belongs may have written a secret.
  const isHidden = writeOnly || type === 'object' || type === 'array';
  switch (typeof value) {
    case 'object':
      return types.includes('object') ? null : 'a map';
    case 'boolean':
      return types.includes('boolean') ? null : String(value);
    case 'number':
      if (isHidden) return 'a number';
      return `the number ${String(value)}${type === 'string' ? ', which is a text in quotes only' : ''}`;
    case 'string': {
      if (value === '') return 'an empty text';
      const isOfFewWords = words !== undefined || pattern !== undefined || !types.includes('string');
      if (!isHidden && isOfFewWords && value.length <= SHOWN_LENGTH_MAX) return JSON.stringify(value);
      return types.includes('string') ? null : 'a text';
    }
    default:
      return null;
  }
}
