/** Relative paths in `waybill.yaml` start at the directory of the file, wherever the process was started. */
import { resolve } from 'node:path';
import type { SecretRef } from './config.ts';

export function toAbsoluteRef(ref: SecretRef, directory: string): SecretRef {
  return ref.startsWith('file:') ? `file:${resolve(directory, ref.slice('file:'.length))}` : ref;
}
