/** The error document of a server, as AWS, Ceph and MinIO write it. The `…Bytes` forms win: XML may have changed line ends. */
import { toEvidence, type Evidence } from './evidence.ts';

const decoder = new TextDecoder();
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

export function readErrorDocument(text: string): Evidence | null {
  // s3cmd prints the document as a Python literal, broken over lines.
  const document = inner(text.replace(/'\n {0,40}b'/g, ''), 'Error');
  if (document === null) return null;
  const code = field(document, 'Code') ?? '';
  if (code === '') return null;
  return toEvidence('error', `error document (${code})`, {
    error: { code, message: field(document, 'Message') ?? '' },
    canonicalRequest: fromBytes(field(document, 'CanonicalRequestBytes')) ?? field(document, 'CanonicalRequest'),
    stringToSign: fromBytes(field(document, 'StringToSignBytes')) ?? field(document, 'StringToSign'),
    signature: field(document, 'SignatureProvided'),
    accessKeyId: field(document, 'AWSAccessKeyId'),
  });
}

function field(document: string, name: string): string | null {
  const inside = inner(document, name);
  return inside === null ? null : unescape(inside);
}

/** What stands between the first opening tag and the end of it; searched for and not matched, so that no paste takes long. */
function inner(text: string, name: string): string | null {
  const from = text.indexOf(`<${name}>`);
  const to = from < 0 ? -1 : text.indexOf(`</${name}>`, from);
  return to < 0 ? null : text.slice(from + name.length + 2, to);
}

function unescape(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(lt|gt|amp|quot|apos));/gi, (whole, decimal, hex, name) => {
    if (typeof name === 'string') return ENTITIES[name.toLowerCase()] ?? whole;
    const code = typeof decimal === 'string' ? Number(decimal) : Number.parseInt(String(hex), 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

/** `47 45 54 0a …`; null when it is not that. */
function fromBytes(text: string | null): string | null {
  const digits = text?.replace(/\s+/g, '') ?? '';
  if (digits === '' || digits.length % 2 !== 0 || !/^[0-9a-f]+$/i.test(digits)) return null;
  return decoder.decode(Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)));
}
