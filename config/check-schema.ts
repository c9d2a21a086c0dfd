/** Compares what the YAML holds with the schema, and says what was expected in words rather than in keywords of JSON Schema. */
import { Settings } from 'typebox/system';
import { Value } from 'typebox/value';
import { describeExpected, findSchema, type SchemaNode } from './describe-field.ts';
import type { ConfigPath, Problems } from './problems.ts';
import { configSchema } from './schema.ts';

/** The default stops after eight; each unknown field makes two. */
const ERRORS_MAX = 400;

export function checkSchema(value: unknown, problems: Problems): void {
  Settings.Set({ maxErrors: ERRORS_MAX });
  for (const error of Value.Errors(configSchema, value)) {
    const path = parsePointer(error.instancePath, value);
    const schema = findSchema(path);
    switch (error.keyword) {
      case 'boolean':
        break; // the same as additionalProperties, told once more
      case 'additionalProperties':
        for (const name of error.params.additionalProperties) {
          problems.add([...path, name], describeUnknown(schema), 'key', schema.patternProperties !== undefined);
        }
        break;
      case 'required':
        for (const name of error.params.requiredProperties) {
          const expected = describeExpected(findSchema([...path, name])) ?? 'a value';
          problems.add([...path, name], `this field is missing; expected ${expected}`, 'key');
        }
        break;
      default:
        problems.add(path, `expected ${describeExpected(schema) ?? error.message}`);
    }
  }
}

function describeUnknown(schema: SchemaNode): string {
  if (schema.patternProperties !== undefined) {
    return 'this name cannot be used; expected a-z 0-9 _ -, up to 63 long, the first a letter or a digit';
  }
  return `no such field; expected one of ${Object.keys(schema.properties ?? {}).join(', ')}`;
}

/** A JSON pointer's segments, those of arrays as numbers. */
function parsePointer(pointer: string, value: unknown): ConfigPath {
  let node = value;
  return pointer
    .split('/')
    .slice(1)
    .map((escaped) => {
      const name = escaped.replaceAll('~1', '/').replaceAll('~0', '~');
      const segment = Array.isArray(node) ? Number(name) : name;
      node = (node as Record<string | number, unknown> | null)?.[segment];
      return segment;
    });
}
