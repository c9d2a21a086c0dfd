/**
 * A record of the sort as bytes: `key length u32 | text length u32 | line u48 | key | text`. The text is a canonical descriptor; the
 * key puts records into the order of a manifest when compared byte by byte. Records stay bytes from the line that was read to the
 * manifest that is written, since a million of them as objects and strings are what would fill the memory.
 */
import type { Descriptor } from '../../manifest/descriptor.ts';

const KEY_LENGTH_AT = 0;
const TEXT_LENGTH_AT = 4;
const LINE_AT = 8;
const LINE_BYTES = 6;
export const FRAME_HEAD_BYTES = LINE_AT + LINE_BYTES;

/** At least what `writeFrame` takes: a UTF-16 unit is at most three bytes of UTF-8. */
export const toFrameBytesMax = (key: string, text: string): number => FRAME_HEAD_BYTES + 3 * (key.length + text.length);

/** Writes the frame at `at` and returns where it ends. */
export function writeFrame(buffer: Buffer, at: number, key: string, text: string, line: number): number {
  const keyAt = at + FRAME_HEAD_BYTES;
  const keyLength = buffer.write(key, keyAt);
  const textLength = buffer.write(text, keyAt + keyLength);
  buffer.writeUInt32LE(keyLength, at + KEY_LENGTH_AT);
  buffer.writeUInt32LE(textLength, at + TEXT_LENGTH_AT);
  buffer.writeUIntLE(line, at + LINE_AT, LINE_BYTES);
  return keyAt + keyLength + textLength;
}

/** Where the frame that begins at `at` ends; needs its head only. */
export function frameEnd(buffer: Buffer, at: number): number {
  return at + FRAME_HEAD_BYTES + buffer.readUInt32LE(at + KEY_LENGTH_AT) + buffer.readUInt32LE(at + TEXT_LENGTH_AT);
}

export const textAt = (buffer: Buffer, at: number): number =>
  at + FRAME_HEAD_BYTES + buffer.readUInt32LE(at + KEY_LENGTH_AT);
export const lineOf = (buffer: Buffer, at: number): number => buffer.readUIntLE(at + LINE_AT, LINE_BYTES);

/** By key. Zero: both describe the same object. */
export function compareFrames(a: Buffer, atA: number, b: Buffer, atB: number): number {
  return a.compare(b, atB + FRAME_HEAD_BYTES, textAt(b, atB), atA + FRAME_HEAD_BYTES, textAt(a, atA));
}

/**
 * Bucket, key and version id, each ended by NUL, which sorts before everything; U+0000 and U+0001 within them become two characters
 * that keep their order. A version id that is there begins with U+0001, so that the absent one comes first.
 */
export function toSortKey({ bucket, key, versionId }: Descriptor): string {
  const version = versionId === undefined ? '' : `\u0001${escape(versionId)}`;
  return `${escape(bucket)}\0${escape(key)}\0${version}`;
}

const LOW = /[\u0000\u0001]/g;

const escape = (text: string): string =>
  text.replace(LOW, (character) => (character === '\0' ? '\u0001\u0001' : '\u0001\u0002'));
