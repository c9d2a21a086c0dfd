/** How names stand in listings: as they are, or percent-encoded with encoding-type=url. */
import { refuse } from '../answer/s3-error.ts';
import { encodePath } from '../../sigv4/encode.ts';

export interface NameEncoding {
  /** '' unless asked for. */
  readonly type: '' | 'url';
  readonly print: (name: string) => string;
}

const PLAIN: NameEncoding = { type: '', print: (name) => name };
/** A blank becomes %20: clients that read '+' as a blank and clients that do not both get it back. */
const URL_ENCODED: NameEncoding = { type: 'url', print: encodePath };

/** @throws InvalidArgument */
export function parseEncodingType(query: ReadonlyMap<string, string>): NameEncoding {
  const asked = query.get('encoding-type');
  if (asked === undefined || asked === '') return PLAIN;
  if (asked !== 'url')
    throw refuse('InvalidArgument', 'Invalid Encoding Method specified in Request', {
      argumentName: 'encoding-type',
      argumentValue: asked,
    });
  return URL_ENCODED;
}

const COUNT_MAX = 2_147_483_647;

/** A count in the query, cut to what one page holds. @throws InvalidArgument */
export function parseCount(query: ReadonlyMap<string, string>, name: string, max: number): number {
  const asked = query.get(name);
  if (asked === undefined || asked === '') return max;
  const argument = { argumentName: name, argumentValue: asked };
  if (/^-\d{1,10}$/.test(asked)) {
    throw refuse(
      'InvalidArgument',
      `Argument ${asked} must be an integer between 0 and ${String(COUNT_MAX)}`,
      argument,
    );
  }
  if (!/^\d{1,10}$/.test(asked) || Number(asked) > COUNT_MAX) {
    throw refuse('InvalidArgument', `Provided ${asked.slice(0, 64)} not an integer or within integer range`, argument);
  }
  return Math.min(Number(asked), max);
}
