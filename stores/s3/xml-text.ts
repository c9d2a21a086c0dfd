/** Text between tags, both ways: the five entities and character references, as XML 1.0 defines them. */
const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const REFERENCE_LENGTH_MAX = 10;

/** Decodes every reference, or returns undefined when one is not well-formed. */
export function decodeXmlText(text: string): string | undefined {
  let at = text.indexOf('&');
  if (at < 0) return text;
  let decoded = '';
  let from = 0;
  while (at >= 0) {
    const end = text.indexOf(';', at);
    if (end < 0 || end - at > REFERENCE_LENGTH_MAX) return undefined;
    const character = decodeReference(text.slice(at + 1, end));
    if (character === undefined) return undefined;
    decoded += text.slice(from, at) + character;
    from = end + 1;
    at = text.indexOf('&', from);
  }
  return decoded + text.slice(from);
}

/** Text that XML can hold between two tags. */
export function encodeXmlText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function decodeReference(name: string): string | undefined {
  if (Object.hasOwn(NAMED, name)) return NAMED[name];
  const isHex = name.startsWith('#x');
  const digits = name.slice(isHex ? 2 : 1);
  if (!name.startsWith('#') || !(isHex ? /^[0-9A-Fa-f]+$/ : /^[0-9]+$/).test(digits)) return undefined;
  const code = Number.parseInt(digits, isHex ? 16 : 10);
  return isXmlCharacter(code) ? String.fromCodePoint(code) : undefined;
}

function isXmlCharacter(code: number): boolean {
  if (code < 0x20) return code === 0x9 || code === 0xa || code === 0xd;
  return code <= 0xd7ff || (code >= 0xe000 && code <= 0xfffd) || (code >= 0x10000 && code <= 0x10ffff);
}
