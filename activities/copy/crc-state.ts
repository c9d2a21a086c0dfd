/**
 * What is recorded with each part of an upload that a CRC proves: that of the object so far, which the next part's is combined with, and
 * the part's own, which the completion names. Both are plain numbers, so they outlive the worker, and parts are hashed in any order.
 */
import type { CrcAlgorithm } from '../../core/checksums.ts';
import type { PartRecord } from '../../ledger/ledger.ts';
import { combineCrc } from '../../stores/rules/combine-crc.ts';

export interface CrcState {
  /** base64, of all bytes up to the end of the part. */
  readonly whole: string;
  /** base64, of the part. */
  readonly part: string;
}

export const printCrcState = (state: CrcState): Uint8Array => Buffer.from(JSON.stringify(state));

export const parseCrcState = ({ hashState }: Pick<PartRecord, 'hashState'>): CrcState =>
  JSON.parse(Buffer.from(hashState).toString()) as CrcState;

/** @param before of the part before; undefined for the first */
export function appendCrc(
  algorithm: CrcAlgorithm,
  before: CrcState | undefined,
  part: string,
  sizeBytes: number,
): CrcState {
  if (before === undefined) return { whole: part, part };
  const whole = combineCrc(algorithm, fromBase64(before.whole), fromBase64(part), sizeBytes);
  return { whole: Buffer.from(whole).toString('base64'), part };
}

const fromBase64 = (text: string): Uint8Array => Buffer.from(text, 'base64');
