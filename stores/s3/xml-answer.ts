/** Answers in XML whose root and fields have to be there: a store that sends something else is refused, not half understood. */
import { WaybillError } from '../../core/failures.ts';
import type { HttpAnswer } from './http-exchange.ts';
import type { S3Call } from './s3-call.ts';
import { callDetails, toS3Failure } from './s3-failure.ts';
import { parseXmlTree, textOf } from './xml-tree.ts';
import type { XmlElement } from './xml-tree.ts';

/**
 * The root element of this name, the first of which S3 gives it; of what some other stores call it, the rest.
 * @throws what the error is, for an Error that came with status 200; store_error for a document that is cut off or another one
 */
export function parseXmlAnswer(
  call: S3Call,
  answer: HttpAnswer,
  rootName: string,
  ...otherNames: readonly string[]
): XmlElement {
  const root = parseXmlTree(answer.body);
  if (root?.name === 'Error') throw toS3Failure(call, answer);
  if (root === null || (root.name !== rootName && !otherNames.includes(root.name))) {
    const details = { ...callDetails(call), status: answer.status };
    throw new WaybillError('store_error', `the answer of the store is not a whole ${rootName}`, details);
  }
  return root;
}

/** @throws store_error when the field is not there exactly once, or empty */
export function requireText(call: S3Call, element: XmlElement, name: string): string {
  const text = textOf(element, name);
  if (text === undefined || text === '') {
    throw new WaybillError('store_error', `the answer of the store has no ${name}`, callDetails(call));
  }
  return text;
}
