/** The first byte where two texts part, with its neighbours and what cannot be seen written out. */

export interface Difference {
  /** Which text: 'canonical request' or 'string to sign'. */
  readonly text: string;
  /** 'canonical headers, host': what stands in that line. */
  readonly line: string;
  /** In UTF-8 bytes from the start of the text. */
  readonly offsetBytes: number;
  /** From 1. */
  readonly lineNumber: number;
  readonly columnBytes: number;
  /** The two lines whole, with invisible characters written out. */
  readonly left: string;
  readonly right: string;
  /** The byte there and its neighbours, as hex; '' at the end of a text. */
  readonly leftBytes: string;
  readonly rightBytes: string;
}

const encoder = new TextEncoder();
const NEIGHBOURS = 6;

/** Null when they are the same. */
export function findDifference(text: string, left: string, right: string): Difference | null {
  if (left === right) return null;
  const a = encoder.encode(left);
  const b = encoder.encode(right);
  let at = 0;
  while (at < a.length && at < b.length && a[at] === b[at]) at += 1;
  let lineNumber = 1;
  let lineStart = 0;
  for (let index = 0; index < at; index++) {
    if (a[index] === 10) {
      lineNumber += 1;
      lineStart = index + 1;
    }
  }
  return {
    text,
    line: nameLine(text, findRegular(left, right), lineNumber),
    offsetBytes: at,
    lineNumber,
    columnBytes: at - lineStart,
    left: showInvisible(left.split('\n')[lineNumber - 1] ?? ''),
    right: showInvisible(right.split('\n')[lineNumber - 1] ?? ''),
    leftBytes: toHexAround(a, at),
    rightBytes: toHexAround(b, at),
  };
}

/** The lines of the text that ends as a canonical request does, with signed headers and a hash. */
function findRegular(left: string, right: string): readonly string[] {
  const both = [left.split('\n'), right.split('\n')];
  const isRegular = (lines: readonly string[]): boolean =>
    /^[A-Za-z0-9-]+(?:;[A-Za-z0-9-]+)*$/.test(lines.at(-2) ?? '') &&
    /^(?:[0-9a-f]{64}|[A-Z0-9-]{16,})$/.test(lines.at(-1) ?? '');
  return both.find(isRegular) ?? both[0] ?? [];
}

/** What stands in a line of a canonical request or of a string to sign. @param lineNumber from 1 */
export function nameLine(text: string, lines: readonly string[], lineNumber: number): string {
  if (text === 'string to sign')
    return ['algorithm', 'time', 'scope', 'hash of the canonical request'][lineNumber - 1] ?? 'end';
  if (lineNumber <= 3) return ['method', 'canonical URI', 'canonical query'][lineNumber - 1] ?? '';
  if (lineNumber >= lines.length) return 'payload hash';
  if (lineNumber === lines.length - 1) return 'signed headers';
  const name = (lines[lineNumber - 1] ?? '').split(':')[0] ?? '';
  return name === '' ? 'the empty line behind the canonical headers' : `canonical headers, ${name}`;
}

function toHexAround(bytes: Uint8Array, at: number): string {
  const from = Math.max(0, at - NEIGHBOURS);
  return [...bytes.subarray(from, at + NEIGHBOURS + 1)]
    .map((byte, index) => {
      const hex = byte.toString(16).padStart(2, '0');
      return from + index === at ? `[${hex}]` : hex;
    })
    .join(' ');
}

/** Control characters, blanks that look like others, and combining marks, by their code points. */
export function showInvisible(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u00a0\u00ad\u0300-\u036f\u200b-\u200f\u2028-\u202f\u2060\ufeff]/g,
    (character) => {
      const code = character.codePointAt(0) ?? 0;
      return `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`;
    },
  );
}
