/**
 * DeleteObjects. The body names the keys, so it must be authentic: its hash is signed, or Content-MD5 holds where the key may
 * send unsigned payloads. The policy is asked about every key.
 */
import type { Store } from '../../stores/store.ts';
import type { VerifiedRequest } from '../backend.ts';
import type { Handler } from '../directory-backend.ts';
import { childText, parseXml, type XmlNode } from '../parse-xml.ts';
import { refuse, toS3Failure } from '../s3-error.ts';
import { sendDocument } from '../send-document.ts';
import { parentElement, printDocument, textElement } from '../xml.ts';
import { readDocument } from './read-document.ts';

const KEYS_MAX = 1000;
/** Deletions at once: enough for the store to group its syncs. */
const CONCURRENCY = 32;

export const deleteObjects: Handler = async ({ store }, request, response) => {
  if (request.payload.kind === 'unsigned' && !request.headers.has('content-md5')) {
    throw refuse('InvalidRequest', 'Missing required header for this request: Content-MD5');
  }
  const root = parseXml(await readDocument(request), 'Delete');
  const isQuiet = childText(root, 'Quiet') === 'true';
  const objects = root.children.filter(({ name }) => name === 'Object');
  if (objects.length === 0 || objects.length > KEYS_MAX) {
    throw refuse('MalformedXML', undefined, { why: `1 to ${String(KEYS_MAX)} objects` });
  }
  await store.headBucket(request.target.bucket);
  const results: string[] = new Array<string>(objects.length).fill('');
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < objects.length) {
      const index = next++;
      results[index] = await deleteOne(store, request, objects[index] as XmlNode, isQuiet);
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, objects.length) }, work));
  sendDocument(response, printDocument('DeleteResult', ...results));
};

async function deleteOne(store: Store, request: VerifiedRequest, object: XmlNode, isQuiet: boolean): Promise<string> {
  const key = childText(object, 'Key') ?? '';
  try {
    if (key === '') throw refuse('MalformedXML');
    const versionId = childText(object, 'VersionId');
    if (versionId !== undefined && versionId !== 'null') throw refuse('NoSuchVersion');
    if (!request.permits('DeleteObject', key)) throw refuse('AccessDenied');
    await store.delete({ bucket: request.target.bucket, key });
    return isQuiet ? '' : parentElement('Deleted', textElement('Key', key));
  } catch (error) {
    const { code, message } = toS3Failure(error);
    return parentElement('Error', textElement('Key', key), textElement('Code', code), textElement('Message', message));
  }
}
