/**
 * DeleteObjects. The body names the keys, so S3 wants it checked whatever its payload mode: by Content-MD5 or a checksum, which
 * the listener has verified. The whole document is understood before anything is deleted, and the policy is asked about every key.
 */
import { KEY_BYTES_MAX } from '../../core/limits.ts';
import type { Store } from '../../stores/store.ts';
import type { VerifiedRequest } from '../backend.ts';
import type { Handler } from './directory-backend.ts';
import { childText, onlyChildren, parseXml, type XmlNode } from '../answer/parse-xml.ts';
import { refuse, toS3Failure } from '../answer/s3-error.ts';
import { sendDocument } from '../answer/send-document.ts';
import { parentElement, printDocument, textElement } from '../answer/xml.ts';
import { deleteUnder, type DeleteConditions } from './delete-object.ts';
import { readDocument } from './read-document.ts';
import { checkVersion } from './version-id.ts';

const KEYS_MAX = 1000;
/** Deletions at once: enough for the store to group its syncs. */
const CONCURRENCY = 32;

interface Deletion extends DeleteConditions {
  readonly key: string;
  readonly versionId: string | undefined;
}

export const deleteObjects: Handler = async ({ store }, request, response) => {
  if (request.checksum === null && !request.headers.has('content-md5')) {
    throw refuse('InvalidRequest', 'Missing required header for this request: Content-MD5 OR x-amz-checksum-*');
  }
  const root = parseXml(await readDocument(request), 'Delete');
  onlyChildren(root, ['Object', 'Quiet']);
  const isQuiet = childText(root, 'Quiet')?.trim().toLowerCase() === 'true';
  const deletions = root.children.filter(({ name }) => name === 'Object').map(toDeletion);
  if (deletions.length === 0 || deletions.length > KEYS_MAX) {
    throw refuse('MalformedXML', undefined, { why: `1 to ${String(KEYS_MAX)} objects` });
  }
  await store.headBucket(request.target.bucket);
  const results: string[] = new Array<string>(deletions.length).fill('');
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < deletions.length) {
      const index = next++;
      results[index] = await deleteOne(store, request, deletions[index] as Deletion, isQuiet);
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, deletions.length) }, work));
  sendDocument(response, printDocument('DeleteResult', ...results));
};

function toDeletion(object: XmlNode): Deletion {
  onlyChildren(object, ['Key', 'VersionId', 'ETag', 'LastModifiedTime', 'Size']);
  const key = childText(object, 'Key') ?? '';
  if (key === '') throw refuse('MalformedXML', undefined, { why: 'an object without a key' });
  return {
    key,
    versionId: childText(object, 'VersionId')?.trim(),
    ifMatch: childText(object, 'ETag')?.trim(),
    modified: childText(object, 'LastModifiedTime')?.trim(),
    sizeBytes: childText(object, 'Size')?.trim(),
  };
}

async function deleteOne(
  store: Store,
  request: VerifiedRequest,
  deletion: Deletion,
  isQuiet: boolean,
): Promise<string> {
  const { key, versionId } = deletion;
  const version = versionId === undefined ? '' : textElement('VersionId', cut(versionId));
  try {
    checkVersion(versionId);
    if (!request.permits('DeleteObject', key)) throw refuse('AccessDenied');
    await deleteUnder(store, request.target.bucket, key, deletion);
    return isQuiet ? '' : parentElement('Deleted', textElement('Key', key), version);
  } catch (error) {
    const { code, message } = toS3Failure(error);
    return parentElement(
      'Error',
      textElement('Key', cut(key)),
      version,
      textElement('Code', code),
      textElement('Message', message),
    );
  }
}

/** A key that no object can have is not sent back at any length. */
const cut = (text: string): string => text.slice(0, KEY_BYTES_MAX);
