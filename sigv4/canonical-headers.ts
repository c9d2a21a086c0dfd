/**
 * The canonical headers: for each signed name, in order, `name:value\n`, the value trimmed, inner white space collapsed to one
 * space, repeats joined by ',' in wire order.
 *
 * Header values are wire text: one character a byte, as node:http gives and takes them. Clients hash the UTF-8 text that they
 * sent, so bytes above 0x7F are read as UTF-8 where they are UTF-8. Only ASCII white space collapses: 0xA0 may be half a character.
 */
const EDGES = /^[ \t\r\n\f\v]+|[ \t\r\n\f\v]+$/g;
const NEEDS_TRIM = /^[ \t\r\n\f\v]|[ \t\r\n\f\v]$|[\t\r\n\f\v]| {2}/;
const RUN = /[ \t\r\n\f\v]+/g;
const EDGE = /[ \t\r\n\f\v]/;
const ASCII = /^[\u0000-\u007f]*$/;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

type Headers = readonly (readonly [name: string, value: string])[];

/**
 * The canonical headers of the names given (lower-case, sorted). A signed header that the request does not have counts as empty:
 * the signature then holds only when the client signed it as empty too.
 */
export function buildCanonicalHeaders(headers: Headers, signedNames: readonly string[]): string {
  return headers.length <= FEW ? buildOfFew(headers, signedNames) : buildOfMany(headers, signedNames);
}

/** Up to so many, looking through all of them for each name takes less than a map of them. */
const FEW = 32;

function buildOfFew(headers: Headers, signedNames: readonly string[]): string {
  let text = '';
  for (const name of signedNames) {
    text += name + ':';
    let isRepeat = false;
    for (const [candidate, value] of headers) {
      if (candidate !== name && (candidate.length !== name.length || candidate.toLowerCase() !== name)) continue;
      text += isRepeat ? ',' + canonicalValue(value) : canonicalValue(value);
      isRepeat = true;
    }
    text += '\n';
  }
  return text;
}

function buildOfMany(headers: Headers, signedNames: readonly string[]): string {
  const values = new Map<string, string>();
  const wanted = new Set(signedNames);
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    if (!wanted.has(lower)) continue;
    const earlier = values.get(lower);
    const canonical = canonicalValue(value);
    values.set(lower, earlier === undefined ? canonical : `${earlier},${canonical}`);
  }
  let text = '';
  for (const name of signedNames) text += `${name}:${values.get(name) ?? ''}\n`;
  return text;
}

/** Every value of a header, in wire order, trimmed. `name` is lower-case. */
export function findHeaders(headers: Headers, name: string): string[] {
  const found: string[] = [];
  for (const [candidate, value] of headers) {
    if (candidate.length === name.length && candidate.toLowerCase() === name) found.push(trim(value));
  }
  return found;
}

/** Most values have nothing to trim, and a pattern that looks for it reads all of them. */
function trim(value: string): string {
  return EDGE.test(value.charAt(0)) || EDGE.test(value.charAt(value.length - 1)) ? value.replace(EDGES, '') : value;
}

function canonicalValue(value: string): string {
  const collapsed = NEEDS_TRIM.test(value) ? value.replace(EDGES, '').replace(RUN, ' ') : value;
  return ASCII.test(collapsed) ? collapsed : fromWire(collapsed);
}

function fromWire(value: string): string {
  const bytes = new Uint8Array(value.length);
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index);
    if (code > 0xff) return value;
    bytes[index] = code;
  }
  try {
    return utf8.decode(bytes);
  } catch {
    return value;
  }
}
