/** Requests are checked by the schemas that document them. Unknown fields are refused, and no value is silently converted. */
import type { FastifySchemaCompiler } from 'fastify';
import { Compile } from 'typebox/compile';
import type { TSchema } from 'typebox';
import { WaybillError } from '../core/failures.ts';
import type { FieldError } from './problem.ts';

/** An `invalid_request` with the fields that are wrong. */
export class InvalidRequest extends Error {
  readonly fields: readonly FieldError[];

  constructor(fields: readonly FieldError[]) {
    super('the request is malformed');
    this.fields = fields;
  }

  get failure(): WaybillError {
    const names = this.fields.map(({ field, message }) => `${field} ${message}`);
    return new WaybillError('invalid_request', names.join('; '));
  }
}

const PREFIX: Readonly<Record<string, string>> = { querystring: 'query', params: 'path', headers: 'header' };

export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart = 'body' }) => {
  const validator = Compile(schema);
  const prefix = PREFIX[httpPart] ?? httpPart;
  return (data: unknown) => {
    const value = httpPart === 'querystring' ? readNumbers(schema, data) : data;
    if (validator.Check(value)) return { value };
    const fields = validator.Errors(value).flatMap((error): FieldError[] => {
      const field = [prefix, ...error.instancePath.split('/').slice(1)].join('.');
      switch (error.keyword) {
        case 'boolean':
          return []; // the same as additionalProperties, told once more
        case 'additionalProperties':
          return error.params.additionalProperties.map((name) => ({
            field: `${field}.${name}`,
            message: 'is not known',
          }));
        case 'required':
          return error.params.requiredProperties.map((name) => ({ field: `${field}.${name}`, message: 'is missing' }));
        default:
          return [{ field, message: error.message }];
      }
    });
    return { error: new InvalidRequest(fields) };
  };
};

/** A query holds strings; those of integer fields that are written as integers become numbers. */
function readNumbers(schema: unknown, data: unknown): unknown {
  const { properties = {} } = schema as { properties?: Readonly<Record<string, { type?: unknown }>> };
  return Object.fromEntries(
    Object.entries(data ?? {}).map(([name, value]: [string, unknown]) => {
      const isNumber = properties[name]?.type === 'integer' && typeof value === 'string' && /^[0-9]{1,9}$/.test(value);
      return [name, isNumber ? Number(value) : value];
    }),
  );
}
