/**
 * Takes out of a text what must not stand in an answer: the secret in every form in which it could be written, and all but the
 * ends of session tokens and signatures, which a person needs only to tell them apart.
 */

const KEPT = 6;

/** `AbCdEf…(128)`; a short one is not shown at all. */
export function shorten(value: string): string {
  return value.length <= KEPT * 2 ? `…(${String(value.length)})` : `${value.slice(0, KEPT)}…(${String(value.length)})`;
}

const TOKEN_HEADER = /(x-amz-security-token["']?\s*[:=]\s*["']?)([^\s"'&,;]+)/gi;
const SIGNATURE = /((?:X-Amz-Signature|[^a-z-]Signature)["']?\s*[=:]\s*["']?)([0-9a-f]{16,})/gi;
const USER = /((?:^|\s)(?:-u|--user)[ =]?["']?[^:\s"']+:)([^\s"']+)/g;

/** @param secrets what is known to be secret, however it came */
export function redact(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) {
    if (secret.trim().length < 4) continue;
    for (const form of toForms(secret)) clean = clean.replaceAll(form, '[secret]');
  }
  return clean
    .replace(TOKEN_HEADER, (_, before: string, token: string) => before + shorten(token))
    .replace(SIGNATURE, (_, before: string, signature: string) => before + shorten(signature))
    .replace(USER, (_, before: string) => `${before}[secret]`);
}

/** Plain, trimmed, URL-encoded once and twice, JSON-escaped, base64, hex. */
function toForms(secret: string): readonly string[] {
  const forms = new Set<string>();
  for (const one of [secret, secret.trim()]) {
    const bytes = new TextEncoder().encode(one);
    const encoded = encodeURIComponent(one);
    forms.add(one);
    forms.add(encoded);
    forms.add(encoded.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()));
    forms.add(encodeURIComponent(encoded));
    forms.add(JSON.stringify(one).slice(1, -1));
    forms.add(one.replaceAll('/', '\\/'));
    forms.add(btoa(String.fromCharCode(...bytes)));
    forms.add([...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(''));
    forms.add([...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' '));
  }
  // The longest first, so that no form leaves a piece of another.
  return [...forms].filter((form) => form.length >= 4).sort((a, b) => b.length - a.length);
}

/** Every text inside a value, redacted; the value's shape stays. */
export function redactAll<Value>(value: Value, secrets: readonly string[]): Value {
  if (typeof value === 'string') return redact(value, secrets) as Value;
  if (Array.isArray(value)) return value.map((one: unknown) => redactAll(one, secrets)) as Value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, redactAll(one as unknown, secrets)]),
  ) as Value;
}
