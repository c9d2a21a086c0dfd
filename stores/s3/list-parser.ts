/**
 * Reads a page of ListObjectsV2 of any well-formed shape: unknown elements are passed over, order does not matter. A document that
 * is not whole is a listing that broke off; one that is whole and lacks what a listing needs is a store that we cannot read.
 */
import { WaybillError } from '../../core/failures.ts';
import type { FailureDetails } from '../../core/failures.ts';
import type { ListAnswer, RawListedObject } from './list-answer.ts';
import { childrenOf, parseXmlTree, textOf } from './xml-tree.ts';
import type { XmlElement } from './xml-tree.ts';

/** @throws listing_incomplete, store_refused */
export function parseListAnswer(bytes: Uint8Array, details: FailureDetails): ListAnswer {
  const root = parseXmlTree(bytes);
  if (root === null)
    throw new WaybillError('listing_incomplete', 'a page of the listing was cut off or is not XML', details);
  const refuse = (what: string): WaybillError =>
    new WaybillError('store_refused', `a page of the listing ${what}`, details);
  if (root.name !== 'ListBucketResult') throw refuse('is not a ListBucketResult');
  const isTruncated = textOf(root, 'IsTruncated');
  if (isTruncated !== 'true' && isTruncated !== 'false') throw refuse('does not say whether more follows');
  const encodingType = textOf(root, 'EncodingType') ?? '';
  if (encodingType !== '' && encodingType !== 'url') throw refuse('is encoded in a way that we do not know');
  return {
    objects: childrenOf(root, 'Contents').map((element) => {
      const object = toObject(element);
      if (object === undefined) throw refuse('has an object without its key, size, ETag or date');
      return object;
    }),
    commonPrefixes: childrenOf(root, 'CommonPrefixes').map((element) => {
      const prefix = textOf(element, 'Prefix');
      if (prefix === undefined) throw refuse('has a common prefix without its text');
      return prefix;
    }),
    isTruncated: isTruncated === 'true',
    nextContinuationToken: textOf(root, 'NextContinuationToken'),
    urlEncoded: encodingType === 'url',
  };
}

function toObject(element: XmlElement): RawListedObject | undefined {
  const key = textOf(element, 'Key');
  const lastModified = textOf(element, 'LastModified');
  const etag = textOf(element, 'ETag');
  const size = textOf(element, 'Size');
  if (key === undefined || lastModified === undefined || etag === undefined || size === undefined) return undefined;
  return { key, lastModified, etag, size };
}
