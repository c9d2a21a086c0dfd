/**
 * CopyObject from one provider to another: read there, hashed, and put here, as its caller would have done by a GetObject and a PutObject
 * of his own; but the bytes pass through the gateway once, and go to nobody. What the object is there it is here, or nothing is: it is
 * in memory whole and under the hash that the target is told before the target hears of it.
 *
 * - Two signatures: the copy's, by the key that may write; and the source's own (`read-grant.ts`), by one that may read.
 * - An ETag of the source that is an MD5 goes to the target as Content-MD5, which refuses other bytes: a copy that the target answers
 *   with the same ETag is the source's bytes, whatever lies between.
 * - Objects of up to 8 MiB: larger ones are copied in parts, by whoever can go on with them.
 */
import type { ServerResponse } from 'node:http';
import { PART_BYTES_DEFAULT } from '../../core/limits.ts';
import { refuse } from '../answer/s3-error.ts';
import { sendDocument } from '../answer/send-document.ts';
import { printDocument, textElement } from '../answer/xml.ts';
import type { Backend, RelayedObject, VerifiedRequest } from '../backend.ts';
import type { Relayed } from '../listener/exchange.ts';
import type { Lent, MemoryBudget } from '../listener/memory-budget.ts';
import type { ReadGrant } from './read-grant.ts';
import { toReadHeaders, toWriteHeaders } from './relay-headers.ts';

export interface Relay {
  readonly grant: ReadGrant;
  readonly from: Backend;
  readonly to: Backend;
  readonly memory: MemoryBudget | undefined;
  /** Whether the copy's key may send bodies that no signature covers. */
  readonly mayBeUnsigned: boolean;
  /** What was asked of the stores is told here. */
  readonly relayed: Relayed;
}

const TOO_LARGE = `A copy between two stores is of ${String(PART_BYTES_DEFAULT)} bytes at most.`;

/** @throws either store's refusal; not_implemented where one of them is a directory; invalid_request */
export async function relayObject(
  request: VerifiedRequest,
  response: ServerResponse,
  { grant, from, to, memory, mayBeUnsigned, relayed }: Relay,
): Promise<void> {
  if (from.relay === undefined || to.relay === undefined) {
    throw refuse('NotImplemented', 'A directory takes no part in copies between stores.');
  }
  if (request.contentLength > 0) throw refuse('UnexpectedContent');
  const { caller, payload, headers } = request;
  const beginBeforeMs = performance.now() + grant.expiresSeconds * 1000;
  const conditions = toReadHeaders(headers);
  let lent: Lent | null = null;
  try {
    relayed.bytesRead = 0;
    const object = await from.relay.read({
      target: grant.target,
      headers: conditions,
      caller,
      isHashed: !(payload.kind === 'unsigned' && mayBeUnsigned && to.relay.takesUnsigned),
      accept(sizeBytes) {
        if (sizeBytes > PART_BYTES_DEFAULT) throw refuse('EntityTooLarge', TOO_LARGE);
        lent = memory?.lend(response, sizeBytes) ?? null;
        return lent?.memory ?? null;
      },
    });
    const sizeBytes = object.bytes.byteLength;
    relayed.bytesRead = sizeBytes;
    const written = toWriteHeaders(headers, object.headers);
    // Whoever asked counts on nothing being begun after this, should he be gone by then; it is looked at once more where it is sent.
    if (caller.hasLeft || performance.now() > beginBeforeMs) throw refuse('RequestTimeout');
    relayed.bytesWritten = 0;
    const target = { ...request.target, operation: 'PutObject' } as const;
    const answer = await to.relay.write(target, written, object, caller, beginBeforeMs);
    relayed.bytesWritten = sizeBytes;
    sendResult(response, object, answer);
  } finally {
    (lent as Lent | null)?.giveBack();
  }
}

/** Of the store's own headers. */
const isPassed = (name: string): boolean =>
  name === 'x-amz-version-id' || name.startsWith('x-amz-server-side-encryption');

function sendResult(response: ServerResponse, object: RelayedObject, answer: RelayedObject['headers']): void {
  const etag = String(answer['etag'] ?? '');
  // Also as a header: whoever copies many objects need not read the document.
  const passed = ['ETag', etag];
  for (const name in answer) {
    const value = answer[name];
    if (typeof value === 'string' && isPassed(name)) passed.push(name, value);
  }
  const version = object.headers['x-amz-version-id'];
  if (typeof version === 'string') passed.push('x-amz-copy-source-version-id', version);
  const document = printDocument(
    'CopyObjectResult',
    textElement('LastModified', new Date().toISOString()),
    textElement('ETag', etag),
  );
  sendDocument(response, document, passed);
}
