/** The error document of a server, as AWS, Ceph and MinIO write it. The `…Bytes` forms win: XML may have changed line ends. */
import { fromBytes } from './error-bytes.ts';
import { toEvidence, type Evidence } from './evidence.ts';
import { readInspectedError } from './node-inspect.ts';

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

export function readErrorDocument(text: string): Evidence | null {
  // s3cmd prints the document as a Python literal, broken over lines.
  const document = inner(text.replace(/'\n {0,40}b'/g, ''), 'Error');
  if (document === null) return readJson(text) ?? readInspectedError(text);
  const code = field(document, 'Code') ?? '';
  if (code === '') return null;
  const message = field(document, 'Message') ?? '';
  const said = readMessage(message);
  return toEvidence('error', `error document (${code})`, {
    error: { code, message, details: DETAILS.flatMap((name) => toDetail(name, field(document, name))) },
    canonicalRequest:
      fromBytes(field(document, 'CanonicalRequestBytes')) ??
      field(document, 'CanonicalRequest') ??
      said.canonicalRequest,
    stringToSign:
      fromBytes(field(document, 'StringToSignBytes')) ?? field(document, 'StringToSign') ?? said.stringToSign,
    signature: field(document, 'SignatureProvided'),
    accessKeyId: field(document, 'AWSAccessKeyId'),
  });
}

/** What the documents of refusals say beside code and message. */
const DETAILS = ['RequestTime', 'ServerTime', 'MaxAllowedSkewMilliseconds', 'Region', 'Endpoint', 'Bucket', 'HostId'];
const toDetail = (name: string, value: string | null): (readonly [string, string])[] =>
  value === null ? [] : [[name, value]];

/** Services that speak JSON: `{"__type":"InvalidSignatureException","message":"…"}`. */
function readJson(text: string): Evidence | null {
  if (!/^\s*\{/.test(text)) return null;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof parsed !== 'object' || parsed === null) return null;
  const { __type: type, code, Code, message, Message } = parsed as Readonly<Record<string, unknown>>;
  const name = [type, code, Code].find((one) => typeof one === 'string') ?? null;
  const words = [message, Message].find((one) => typeof one === 'string') ?? null;
  const fields = parsed as Readonly<Record<string, unknown>>;
  const textOf = (field: string): string | null => (typeof fields[field] === 'string' ? fields[field] : null);
  const canonicalRequest = fromBytes(textOf('CanonicalRequestBytes')) ?? textOf('CanonicalRequest');
  // The error of the SDK for JavaScript loses its message in JSON.
  if (words === null && canonicalRequest === null && fields['$metadata'] === undefined) return null;
  if (name === null && !/signature|credential|authorization/i.test(words ?? '')) return null;
  const short = (name ?? 'error').replace(/^.*#/, '');
  return toEvidence('error', `error document (${short})`, {
    // Other services have another name for the same refusal.
    error: { code: short === 'InvalidSignatureException' ? 'SignatureDoesNotMatch' : short, message: words ?? '' },
    ...readMessage(words ?? ''),
    ...(canonicalRequest !== null && {
      canonicalRequest,
      stringToSign: fromBytes(textOf('StringToSignBytes')) ?? textOf('StringToSign'),
      signature: textOf('SignatureProvided'),
      accessKeyId: textOf('AWSAccessKeyId'),
    }),
  });
}

/** Services but S3 write their texts into the message, in quotes. */
function readMessage(message: string): Pick<Evidence, 'canonicalRequest' | 'stringToSign'> {
  const between = (from: string): string | null => {
    const at = message.indexOf(from);
    const open = at < 0 ? -1 : message.indexOf("'", at + from.length);
    const close = open < 0 ? -1 : message.indexOf("'\n", open + 1);
    const end = close < 0 ? message.lastIndexOf("'") : close;
    return open < 0 || end <= open ? null : message.slice(open + 1, end);
  };
  return {
    canonicalRequest: between('Canonical String for this request should have been'),
    stringToSign: between('String-to-Sign should have been'),
  };
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
