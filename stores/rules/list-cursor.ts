/**
 * Where a listing goes on. A token names the last entry of its page: after a key comes the next key, after a common prefix
 * comes the first key that does not start with it. It holds no state, so it stays good for ever and across restarts.
 */
import { LIST_PAGE_KEYS } from '../../core/limits.ts';
import { isWellFormed } from '../../core/utf8-order.ts';
import type { ListRequest } from '../store.ts';
import { checkText } from './object-key.ts';
import { refused } from './refusals.ts';

export interface ListCursor {
  /** The listing begins after this key, or after all that starts with this common prefix. */
  readonly kind: 'key' | 'prefix';
  readonly text: string;
}

/** A list request with its defaults filled in. */
export interface ListPlan {
  readonly prefix: string;
  /** Undefined: no grouping. */
  readonly delimiter: string | undefined;
  readonly after: ListCursor | undefined;
  readonly maxKeys: number;
}

export const printListCursor = (cursor: ListCursor): string =>
  Buffer.from((cursor.kind === 'key' ? 'k' : 'p') + cursor.text, 'utf8').toString('base64url');

/** @throws store_refused with s3Code InvalidArgument */
export function parseListCursor(token: string): ListCursor {
  const bytes = Buffer.from(token, 'base64url');
  const text = bytes.toString('utf8');
  const exact = bytes.toString('base64url') === token && Buffer.from(text, 'utf8').equals(bytes) && isWellFormed(text);
  if (!exact || (text[0] !== 'k' && text[0] !== 'p')) {
    throw refused('InvalidArgument', 400, 'the continuation token is not one of ours');
  }
  return { kind: text[0] === 'k' ? 'key' : 'prefix', text: text.slice(1) };
}

/** @throws store_refused with s3Code InvalidArgument, InvalidURI */
export function toListPlan(request: ListRequest): ListPlan {
  const { prefix = '', delimiter, startAfter, continuationToken, maxKeys = LIST_PAGE_KEYS } = request;
  checkText('prefix', prefix);
  checkText('delimiter', delimiter ?? '');
  checkText('start-after', startAfter ?? '');
  if (!Number.isInteger(maxKeys) || maxKeys < 0) {
    throw refused('InvalidArgument', 400, 'max-keys is a whole number that is not negative', { maxKeys });
  }
  const start: ListCursor | undefined =
    startAfter === undefined || startAfter === '' ? undefined : { kind: 'key', text: startAfter };
  return {
    prefix,
    delimiter: delimiter === '' ? undefined : delimiter,
    after: continuationToken === undefined ? start : parseListCursor(continuationToken),
    maxKeys: Math.min(maxKeys, LIST_PAGE_KEYS),
  };
}

/** The common prefix that stands for the key in a grouped listing, or undefined when the key stands for itself. */
export function toCommonPrefix(key: string, plan: Pick<ListPlan, 'prefix' | 'delimiter'>): string | undefined {
  if (plan.delimiter === undefined) {
    return undefined;
  }
  const at = key.indexOf(plan.delimiter, plan.prefix.length);
  return at < 0 ? undefined : key.slice(0, at + plan.delimiter.length);
}
