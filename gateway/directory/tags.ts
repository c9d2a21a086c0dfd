/**
 * Tags of an object, from a header or a document. Source: Amazon S3 user guide, "Categorizing your objects using tags": at most
 * ten, 128 characters of name and 256 of value, letters, digits, blanks and + - = . _ : / @.
 */
import { parseQuery } from '../../sigv4/canonical-query.ts';
import { refuse } from '../answer/s3-error.ts';

const TAGS_MAX = 10;
const KEY_LENGTH_MAX = 128;
const VALUE_LENGTH_MAX = 256;
/** Those of AWS itself, which nobody else may write. */
const SYSTEM = 'aws:';
const TEXT = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

export type Tags = Readonly<Record<string, string>>;

/** x-amz-tagging. @throws InvalidArgument for what is no query string or names a tag twice, InvalidTag, BadRequest */
export function parseTagging(value: string): Tags {
  const pairs = parseQuery(value);
  if (pairs === null || pairs.some(([key]) => key === '') || new Set(pairs.map(([key]) => key)).size < pairs.length) {
    throw refuse(
      'InvalidArgument',
      "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
      { argumentName: 'x-amz-tagging', argumentValue: value },
    );
  }
  return toTags(pairs);
}

/** @throws InvalidTag for a key that stands twice or a text that no tag has, BadRequest for too many */
export function toTags(pairs: readonly (readonly [key: string, value: string])[]): Tags {
  if (pairs.length > TAGS_MAX) throw refuse('BadRequest', `Object tags cannot be greater than ${String(TAGS_MAX)}`);
  // No prototype: a client may name a tag `__proto__`.
  const tags = Object.create(null) as Record<string, string>;
  for (const [key, value] of pairs) {
    if (key === '' || key.length > KEY_LENGTH_MAX || !TEXT.test(key)) {
      throw refuse('InvalidTag', 'The TagKey you have provided is invalid');
    }
    if (value.length > VALUE_LENGTH_MAX || !TEXT.test(value)) {
      throw refuse('InvalidTag', 'The TagValue you have provided is invalid');
    }
    if (key.startsWith(SYSTEM)) throw refuse('InvalidTag', 'System tags cannot be added/updated by requester');
    if (key in tags) throw refuse('InvalidTag', 'Cannot provide multiple Tags with the same key');
    tags[key] = value;
  }
  return tags;
}
