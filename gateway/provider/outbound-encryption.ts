/**
 * The encryption that a store's configuration asks for new objects. It holds where the caller says nothing about encryption; a caller
 * that does is taken at its word. Parts take that of their upload, so only what makes an object carries it.
 */
import type { Encryption } from '../../config/config.ts';
import type { Operation } from '../../core/traffic.ts';

type Headers = readonly (readonly [name: string, value: string])[];

const PREFIX = 'x-amz-server-side-encryption';
const MAKES_OBJECTS: ReadonlySet<Operation> = new Set<Operation>(['PutObject', 'CreateMultipartUpload', 'CopyObject']);

/** What is added to the headers of the caller. */
export function toEncryptionHeaders(encryption: Encryption | null, operation: Operation, passed: Headers): Headers {
  if (encryption === null || !MAKES_OBJECTS.has(operation)) return [];
  if (passed.some(([name]) => name.startsWith(PREFIX))) return [];
  const algorithm = [PREFIX, encryption.algorithm] as const;
  return encryption.kmsKeyId === null ? [algorithm] : [algorithm, [`${PREFIX}-aws-kms-key-id`, encryption.kmsKeyId]];
}
