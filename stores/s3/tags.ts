/** GetObjectTagging. Writing tags is rare and goes by the control plane. */
import { WaybillError } from '../../core/failures.ts';
import type { S3Call } from './s3-call.ts';
import type { S3Client } from './s3-client.ts';
import { callDetails } from './s3-failure.ts';
import { parseXmlAnswer, requireText } from './xml-answer.ts';
import { childrenOf, textOf } from './xml-tree.ts';

export async function getTags(
  client: S3Client,
  request: { bucket: string; key: string; signal?: AbortSignal },
): Promise<Record<string, string>> {
  const call: S3Call = { operation: 'GetObjectTagging', method: 'GET', ...request, query: [['tagging', '']] };
  const root = parseXmlAnswer(call, await client.send(call), 'Tagging');
  const [tagSet] = childrenOf(root, 'TagSet');
  if (tagSet === undefined)
    throw new WaybillError('store_error', 'the answer of the store has no TagSet', callDetails(call));
  return Object.fromEntries(
    childrenOf(tagSet, 'Tag').map((tag) => [requireText(call, tag, 'Key'), textOf(tag, 'Value') ?? '']),
  );
}
