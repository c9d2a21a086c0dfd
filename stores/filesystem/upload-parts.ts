/** The parts of an open upload, as the index has them. */
import type { ObjectChecksum } from '../../core/checksums.ts';
import type { StoredPart } from '../rules/part-list.ts';
import type { Disposal } from './engine.ts';
import type { View } from './group-commit.ts';
import { dataKey, partKey, partsOf } from './index-keys.ts';
import type { Change } from './object-index.ts';
import { unpackChecksum } from './packed-checksum.ts';
import { parseRecord } from './records.ts';
import type { PartRecord } from './records.ts';

/** A part as the index has it; `id` names its file. */
export type IndexedPart = StoredPart & { readonly id: string };

/** In ascending order. */
export async function loadParts(view: Pick<View, 'scanPrefix'>, uploadId: string): Promise<IndexedPart[]> {
  const parts = await view.scanPrefix(partsOf(uploadId));
  return parts
    .map(([key, value]) => toIndexedPart(Number(key.slice(partsOf(uploadId).length)), parseRecord<PartRecord>(value)))
    .sort((a, b) => a.partNumber - b.partNumber);
}

function toIndexedPart(partNumber: number, { id, sizeBytes, etag, c, b, modifiedMs }: PartRecord): IndexedPart {
  const checksum = toPartChecksum(unpackChecksum(c));
  const beside = toPartChecksum(unpackChecksum(b));
  return {
    partNumber,
    id,
    sizeBytes,
    etag,
    ...(checksum && { checksum }),
    ...(beside && { beside }),
    ...(modifiedMs !== undefined && { lastModifiedMs: modifiedMs }),
  };
}

const toPartChecksum = (checksum: ObjectChecksum | undefined): IndexedPart['checksum'] =>
  checksum && { algorithm: checksum.algorithm, value: checksum.value };

/** Ends an upload: its record, its parts and all of their files but those in `kept` go. */
export async function toUploadDisposal(
  view: Pick<View, 'scanPrefix'>,
  key: string,
  uploadId: string,
  kept: ReadonlySet<string>,
): Promise<Disposal> {
  const changes: Change[] = [{ key, value: undefined }];
  const files: string[] = [];
  for (const part of await loadParts(view, uploadId)) {
    changes.push({ key: partKey(uploadId, part.partNumber), value: undefined });
    if (!kept.has(part.id)) {
      changes.push({ key: dataKey(part.id), value: undefined });
      files.push(part.id);
    }
  }
  return { changes, files };
}
