/** What a copy or a shell leaves around a secret: an explanation that took it along would accuse the request of it. */

export interface CleanSecret {
  readonly secret: string;
  /** Ends a sentence that begins with the secret. */
  readonly flaw: string;
}

/** Null when nothing is around it. */
export function cleanSecret(secret: string): CleanSecret | null {
  const trimmed = secret.trim();
  const bare = trimmed.replace(/^(["'])(.*)\1$/s, '$2');
  if (bare === secret || bare === '') return null;
  if (bare !== trimmed) return { secret: bare, flaw: 'stands in quotes' };
  if (/[\r\n]\s*$/.test(secret)) return { secret: bare, flaw: 'ends with a newline' };
  return { secret: bare, flaw: 'begins or ends with white space or a byte order mark' };
}
