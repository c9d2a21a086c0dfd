/** The `…Bytes` forms of a server's texts: hex with blanks between the bytes. */

const decoder = new TextDecoder();

/** `47 45 54 0a …`; null when it is not that. */
export function fromBytes(text: string | null): string | null {
  const digits = text?.replace(/\s+/g, '') ?? '';
  if (digits === '' || digits.length % 2 !== 0 || !/^[0-9a-f]+$/i.test(digits)) return null;
  return decoder.decode(Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)));
}
