/** Reads one line of the input: a JSON object that describes an object of a store. */
import { WaybillError } from '../../core/failures.ts';
import type { Descriptor } from '../../manifest/descriptor.ts';
import { normaliseEtag } from '../../manifest/normalise-etag.ts';
import { printDescriptor } from '../../manifest/print-descriptor.ts';

export interface ParsedLine {
  readonly descriptor: Descriptor;
  /** As `printDescriptor` prints it. */
  readonly printed: string;
}

/**
 * `{"bucket":…,"key":…,"size":…,"etag":…[,"version_id":…]}`; other members are a provider's extras and ignored. A version id of null
 * is none. @throws invalid_manifest_line naming the line and what was expected there
 */
export function parseLine(text: string, line: number): ParsedLine {
  const members = parseObject(text, line);
  const descriptor = toDescriptor(members, line);
  try {
    return { descriptor, printed: printDescriptor(descriptor) };
  } catch (cause) {
    throw new WaybillError('invalid_manifest_line', `line ${String(line)}: ${(cause as Error).message}`, {}, { cause });
  }
}

function parseObject(text: string, line: number): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refusal(line, 'expected one JSON object in one line, and this is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refusal(line, `expected a JSON object, got ${describe(value)}`);
  }
  return value as Readonly<Record<string, unknown>>;
}

function toDescriptor(members: Readonly<Record<string, unknown>>, line: number): Descriptor {
  const { bucket, key, size, etag, version_id: versionId } = members;
  if (typeof bucket !== 'string' || bucket === '')
    throw refusal(line, `expected "bucket" to be a name, got ${describe(bucket)}`);
  if (typeof key !== 'string' || key === '')
    throw refusal(line, `expected "key" to be a string that is not empty, got ${describe(key)}`);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw refusal(line, `expected "size" to be an integer from 0 to 9007199254740991, got ${describe(size)}`);
  }
  if (typeof etag !== 'string') throw refusal(line, `expected "etag" to be a string, got ${describe(etag)}`);
  const descriptor = { bucket, key, sizeBytes: size, etag: normaliseEtag(etag) };
  if (versionId === undefined || versionId === null) return descriptor;
  if (typeof versionId !== 'string')
    throw refusal(line, `expected "version_id" to be a string, got ${describe(versionId)}`);
  return { ...descriptor, versionId };
}

function refusal(line: number, message: string): WaybillError {
  return new WaybillError('invalid_manifest_line', `line ${String(line)}: ${message}`);
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
