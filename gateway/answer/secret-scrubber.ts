/**
 * Takes the provider's secrets out of text that comes from elsewhere: a provider's error message, which may quote what it was
 * sent. Nothing of ours ever puts a secret into a text; this is for texts that others wrote.
 */
import type { Credentials } from '../../sigv4/types.ts';

const MARK = '[redacted]';
const SECRET_LENGTH_MIN = 6;

/** Replaces the secret and the session token, plain, base64, hex and URL-encoded, and the access key id, by a mark. */
export function scrubSecrets(text: string, credentials: Credentials): string {
  let scrubbed = text;
  for (const secret of [credentials.secretAccessKey, credentials.sessionToken, credentials.accessKeyId]) {
    // A word of a few letters would take pieces out of other words, and is no secret worth the name.
    if (secret === undefined || secret.length < SECRET_LENGTH_MIN) continue;
    for (const form of toForms(secret)) scrubbed = scrubbed.replaceAll(form, MARK);
  }
  return scrubbed;
}

/** The forms in which a secret could stand in a text. Errors are rare, so they are made anew each time and kept nowhere. */
function toForms(secret: string): string[] {
  const bytes = Buffer.from(secret, 'utf8');
  const hex = bytes.toString('hex');
  const base64 = bytes.toString('base64');
  return [
    secret,
    encodeURIComponent(secret),
    base64,
    base64.replaceAll('=', ''),
    bytes.toString('base64url'),
    hex,
    hex.toUpperCase(),
    // As S3's own error documents write bytes.
    hex.replace(/..(?=.)/g, '$& '),
  ];
}
