/**
 * Header values between text and wire. HTTP parsers and writers take one character for a byte (latin1); what an S3 client means is
 * UTF-8. So 'Größe' is sent as UTF-8 and comes back as 'Größe', an RFC 2047 encoded word is carried over without being
 * understood, and bytes that are not UTF-8 keep their value on the way from one store to another (stray-bytes.ts). The signature
 * reads the same bytes as UTF-8 (sigv4/canonical-headers.ts).
 */
import { refused } from '../rules/refusals.ts';
import { decodeKeepingStrays, encodeKeepingStrays } from './stray-bytes.ts';

// What a field's value may hold beside bytes above 0x7F. Source: RFC 9110, section 5.5.
const PLAIN = /^[\t\x20-\x7e]*$/;
const WIRE = /^[\t\x20-\x7e\x80-\xff]*$/;

export function decodeHeaderText(wire: string): string {
  return PLAIN.test(wire) ? wire : decodeKeepingStrays(Buffer.from(wire, 'latin1'));
}

/** @throws store_refused for what a header cannot hold: control characters, and lone surrogates that stand for no byte */
export function encodeHeaderText(name: string, text: string): string {
  if (PLAIN.test(text)) return text;
  const bytes = encodeKeepingStrays(text);
  const wire = bytes === undefined ? '\0' : Buffer.from(bytes).toString('latin1');
  if (!WIRE.test(wire)) throw refused('InvalidArgument', 400, 'the value cannot be sent in a header', { name });
  return wire;
}
