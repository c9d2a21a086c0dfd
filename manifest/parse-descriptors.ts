/** Reads back what `printDescriptor` wrote. */
import { WaybillError } from '../core/failures.ts';
import type { ETag } from '../core/ids.ts';
import type { Descriptor } from './descriptor.ts';

/** A descriptor as it stands in the manifest. */
interface PrintedDescriptor {
  readonly bucket: string;
  readonly etag: ETag;
  readonly key: string;
  readonly size: number;
  readonly version_id?: string;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The descriptors of a body: canonical descriptors joined by ',', '' for none. The members' types are checked, their order and
 * spelling are not: bodies are our own (`parseManifest` is for bytes of others).
 * @throws invalid_manifest_line
 */
export function parseDescriptors(body: Uint8Array): Descriptor[] {
  let parsed: unknown[];
  try {
    parsed = JSON.parse(`[${utf8.decode(body)}]`) as unknown[];
  } catch (cause) {
    throw new WaybillError('invalid_manifest_line', 'the body is not descriptors joined by commas', {}, { cause });
  }
  return parsed.map(toDescriptor);
}

function toDescriptor(value: unknown): Descriptor {
  if (!isPrintedDescriptor(value)) {
    throw new WaybillError(
      'invalid_manifest_line',
      'a descriptor is {"bucket":string,"etag":string,"key":string,"size":integer[,"version_id":string]}',
      { got: JSON.stringify(value).slice(0, 200) },
    );
  }
  const { bucket, etag, key, size: sizeBytes, version_id: versionId } = value;
  return versionId === undefined ? { bucket, etag, key, sizeBytes } : { bucket, etag, key, sizeBytes, versionId };
}

function isPrintedDescriptor(value: unknown): value is PrintedDescriptor {
  if (typeof value !== 'object' || value === null) return false;
  const { bucket, etag, key, size, version_id: version } = value as Record<keyof PrintedDescriptor, unknown>;
  return (
    typeof bucket === 'string' &&
    typeof etag === 'string' &&
    typeof key === 'string' &&
    typeof size === 'number' &&
    Number.isSafeInteger(size) &&
    size >= 0 &&
    (version === undefined || typeof version === 'string')
  );
}
