/**
 * The strict reader of a whole manifest, for clients and tests: it accepts canonical bytes and nothing else, so what it accepts has
 * one hash. It holds the manifest in memory; a service streams it (`printManifest`, `ManifestDigest`).
 */
import { WaybillError } from '../core/failures.ts';
import { parseRunId } from '../core/ids.ts';
import type { RunId } from '../core/ids.ts';
import { compareDescriptors } from './descriptor.ts';
import type { Descriptor } from './descriptor.ts';
import { ENVELOPE_HEAD, printEnvelopeTail } from './envelope.ts';
import { parseDescriptors } from './parse-descriptors.ts';
import { printDescriptor } from './print-descriptor.ts';

export interface Manifest {
  readonly runId: RunId;
  readonly objects: readonly Descriptor[];
}

/** @throws invalid_manifest_line when the bytes are not a canonical manifest, with the first reason found; invalid_run_id */
export function parseManifest(bytes: Uint8Array): Manifest {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Only the tail can match from the last "run_id" on: within an object the quotes of such a text are escaped.
  const tailStart = text.lastIndexOf('],"run_id":"');
  if (!text.subarray(0, ENVELOPE_HEAD.length).equals(Buffer.from(ENVELOPE_HEAD)) || tailStart < ENVELOPE_HEAD.length) {
    throw refusal('it is not {"objects":[…],"run_id":…,"schema":…}');
  }
  const runId = parseRunId(/^],"run_id":"([^"]*)"/.exec(text.toString('utf8', tailStart))?.[1]);
  if (text.toString('utf8', tailStart) !== printEnvelopeTail(runId)) throw refusal('its tail is not canonical');

  const body = text.subarray(ENVELOPE_HEAD.length, tailStart);
  const objects = parseDescriptors(body);
  let previous: Descriptor | undefined;
  for (const object of objects) {
    if (previous !== undefined && compareDescriptors(previous, object) >= 0) {
      throw refusal('its objects are not in strictly ascending order', object);
    }
    previous = object;
  }
  if (!body.equals(Buffer.from(objects.map(printDescriptor).join(','))))
    throw refusal('its objects are not canonical JSON');
  return { runId, objects };
}

function refusal(reason: string, object?: Descriptor): WaybillError {
  const details = object === undefined ? {} : { key: JSON.stringify(object.key) };
  return new WaybillError('invalid_manifest_line', `this is not a manifest: ${reason}`, details);
}
