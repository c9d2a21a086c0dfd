/** GetObjectTagging, PutObjectTagging, DeleteObjectTagging. */
import { compareUtf8 } from '../../core/utf8-order.ts';
import type { VerifiedRequest } from '../backend.ts';
import type { Handler } from './directory-backend.ts';
import { childText, onlyChildren, parseXml } from '../answer/parse-xml.ts';
import { refuse } from '../answer/s3-error.ts';
import { sendDocument, sendEmpty } from '../answer/send-document.ts';
import { parentElement, printDocument, textElement } from '../answer/xml.ts';
import { readDocument } from './read-document.ts';
import { toTags } from './tags.ts';
import { checkVersionId } from './version-id.ts';

export const getTagging: Handler = async ({ store }, request, response) => {
  const tags = await store.getTags(toObject(request));
  const elements = Object.entries(tags)
    .sort(([a], [b]) => compareUtf8(a, b))
    .map(([key, value]) => parentElement('Tag', textElement('Key', key), textElement('Value', value)));
  sendDocument(response, printDocument('Tagging', parentElement('TagSet', ...elements)));
};

export const putTagging: Handler = async ({ store }, request, response) => {
  const root = parseXml(await readDocument(request), 'Tagging');
  onlyChildren(root, ['TagSet']);
  const [set, another] = root.children;
  if (set === undefined || another !== undefined) throw refuse('MalformedXML');
  onlyChildren(set, ['Tag']);
  const pairs = set.children.map((tag): [string, string] => {
    onlyChildren(tag, ['Key', 'Value']);
    const key = childText(tag, 'Key');
    const value = childText(tag, 'Value');
    if (key === undefined || value === undefined) throw refuse('MalformedXML');
    return [key, value];
  });
  await store.putTags(toObject(request), toTags(pairs));
  sendEmpty(response, 200);
};

export const deleteTagging: Handler = async ({ store }, request, response) => {
  await store.putTags(toObject(request), {});
  sendEmpty(response, 204);
};

function toObject(request: VerifiedRequest): { bucket: string; key: string } {
  const { bucket, key } = request.target;
  checkVersionId(request);
  return { bucket, key };
}
