/** A signature that is not 64 digits of lower-case hex: what it is instead, and the digits that are still in it. */
import { toHex } from '../hex.ts';
import type { Fault } from './read-claim.ts';

export interface SignatureForm {
  /** In lower case; shorter than 64 digits where it was cut short; null when it holds none. */
  readonly hex: string | null;
  readonly fault: Fault | null;
}

const HEX_DIGITS = 64;
/** Fewer say nothing: one in 65536 texts would begin alike. */
const DIGITS_MIN = 8;

export function readSignatureForm(signature: string | null): SignatureForm {
  if (signature === null || signature === '') return { hex: null, fault: null };
  if (/^[0-9a-f]{64}$/.test(signature)) return { hex: signature, fault: null };
  const digits = /^[0-9a-f]*/i.exec(signature)?.[0] ?? '';
  if (/^[0-9a-f]{64}$/i.test(signature))
    return malformed(signature.toLowerCase(), 'is in upper case', 'write its hex digits in lower case');
  if (digits.length >= HEX_DIGITS)
    return malformed(
      digits.slice(0, HEX_DIGITS).toLowerCase(),
      `has ${JSON.stringify(signature.slice(HEX_DIGITS, HEX_DIGITS + 8))} behind its 64 digits of hex`,
      'cut off what follows the 64th digit: a newline, a full stop or a bracket that was copied along',
    );
  const bytes = fromBase64(signature);
  if (bytes !== null) return malformed(toHex(bytes), 'is written in base64', 'write the HMAC as lower-case hex');
  if (digits.length === 40 && digits.length === signature.length)
    return malformed(
      null,
      'has the 40 digits of an HMAC-SHA1 instead of the 64 of an HMAC-SHA256',
      'use HMAC-SHA256 for the key and for the signature; SHA-1 is of Signature Version 2',
    );
  if (digits.length === signature.length)
    return malformed(
      digits.length >= DIGITS_MIN ? digits.toLowerCase() : null,
      `was cut short: ${String(digits.length)} digits of hex, not 64`,
      'copy the URL or the header whole: a terminal, a mail or a column of a table cut it',
    );
  return malformed(null, 'is not 64 digits of lower-case hex', 'write the HMAC as lower-case hex, whole');
}

const malformed = (hex: string | null, what: string, mend: string): SignatureForm => ({
  hex,
  fault: {
    id: 'signature-malformed',
    stage: 'signature',
    what: `the signature ${what}`,
    rule: 'a signature is 64 digits of lower-case hex',
    mend,
  },
});

/** Of 32 bytes. */
function fromBase64(text: string): Uint8Array | null {
  const plain = text.replaceAll('-', '+').replaceAll('_', '/').replaceAll(' ', '+');
  if (!/^[A-Za-z0-9+/]{43}=?$/.test(plain)) return null;
  return Uint8Array.from(atob(plain.replace(/=$/, '')), (one) => one.charCodeAt(0));
}
